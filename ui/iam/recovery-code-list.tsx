/** Recovery codes, shown this once. */
import { Button, Group } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { CopyButton } from '#ui/patterns/middle-truncate.tsx';
import classes from './sign-in-methods.module.css';

export function RecoveryCodeList({ codes }: { codes: readonly string[] }) {
  const text = codes.join('\n');
  const download = () => {
    const address = URL.createObjectURL(new Blob([`${text}\n`], { type: 'text/plain' }));
    const anchor = Object.assign(document.createElement('a'), {
      href: address,
      download: 'cloudlysis-control-recovery-codes.txt',
    });
    anchor.click();
    URL.revokeObjectURL(address);
  };
  return (
    <div className={classes.codes}>
      <p>
        Each of these lets you in once when your other second factors are lost. Keep them where your password
        is not. They are not shown again.
      </p>
      <ol className={classes.codeList} aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <Group gap={8}>
        <CopyButton text={text} label="Copy all recovery codes" always />
        <Button variant="default" size="xs" leftSection={<IconDownload size={14} />} onClick={download}>
          Download
        </Button>
      </Group>
    </div>
  );
}
