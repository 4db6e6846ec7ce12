import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { inlineParts, runbookBlocks } from './runbook-rules.ts';

const folder = path.join(import.meta.dirname, '../../docs/runbooks');

describe('a runbook', () => {
  it('is read as headings, paragraphs and lists, without its title', () => {
    expect(
      runbookBlocks(
        '# JobStuck\n\n## What it means\n\nAn undo failed;\nhalf is done.\n\n- Look\n  again\n- Retry\n',
      ),
    ).toEqual([
      { kind: 'heading', text: 'What it means' },
      { kind: 'text', text: 'An undo failed; half is done.' },
      { kind: 'list', items: ['Look again', 'Retry'] },
    ]);
  });
  it('marks what is strong, stressed or code, and leaves names with underscores alone', () => {
    expect(inlineParts('**JetStream**: _Rebalance_ by `tenant_id`, see env_name')).toEqual([
      { mark: 'strong', words: 'JetStream' },
      { mark: null, words: ': ' },
      { mark: 'em', words: 'Rebalance' },
      { mark: null, words: ' by ' },
      { mark: 'code', words: 'tenant_id' },
      { mark: null, words: ', see env_name' },
    ]);
  });
  it('names another runbook that it links to', () => {
    expect(inlineParts('see [ServiceDown](service-down.md).')).toEqual([
      { mark: null, words: 'see ' },
      { mark: 'strong', words: 'ServiceDown' },
      { mark: null, words: '.' },
    ]);
  });
  it('uses nothing that the page cannot show', async () => {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.md'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      const text = await readFile(path.join(folder, name), 'utf8');
      expect(text, `${name} has a table, a fence, an image or a link that leaves the runbooks`).not.toMatch(
        /^\||^```|!\[|\]\((?![\w-]+\.md\))/m,
      );
    }
  });
});
