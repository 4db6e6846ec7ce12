import { Unknown } from '#ui/patterns/figure.tsx';
import { Hint } from '#ui/patterns/hint.tsx';
import { CopyButton, middleTruncated } from '#ui/patterns/middle-truncate.tsx';
import classes from './fleet.module.css';

const DIGEST_KEEP = 4;

/** Version and digest of an image; the whole reference on hover, copied with one click. */
export function ImageVersion({
  image,
  digest,
  version,
}: {
  image: string;
  digest: string | null;
  version?: string | null;
}) {
  const tag = version ?? (/:([^/:@]+)$/.exec(image)?.[1] || null);
  const reference = digest === null ? image : `${image}@${digest}`;
  return (
    <span className={classes.image}>
      <Hint label={<span className={classes.reference}>{reference}</span>}>
        <span>
          {tag ?? <Unknown why="The image has no tag" />}
          {digest !== null && (
            <span className={classes.digest}>
              {middleTruncated(digest.replace(/^sha256:/, ''), DIGEST_KEEP)}
            </span>
          )}
        </span>
      </Hint>
      <CopyButton text={reference} label="Copy the image reference" />
    </span>
  );
}
