import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Writes `.br` and `.gz` beside each text asset, so that the server compresses nothing itself. */
function precompress(): Plugin {
  let folder = '';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved: (config) => void (folder = path.resolve(config.root, config.build.outDir, 'assets')),
    closeBundle: async () => {
      const names = (await readdir(folder)).filter((name) => /\.(js|css|svg)$/.test(name));
      await Promise.all(
        names.map(async (name) => {
          const file = path.join(folder, name);
          const content = await readFile(file);
          const brotli = brotliCompressSync(content, {
            params: {
              [constants.BROTLI_PARAM_QUALITY]: 10,
              [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
            },
          });
          await Promise.all([
            writeFile(`${file}.br`, brotli),
            writeFile(`${file}.gz`, gzipSync(content, { level: 9 })),
          ]);
        }),
      );
    },
  };
}

/** Builds the Admin UI. The server serves `dist/ui` and puts a fresh nonce in place of `__CSP_NONCE__`. */
export default defineConfig({
  root: 'ui',
  plugins: [react(), precompress()],
  resolve: {
    alias: [
      { find: /^typebox$/, replacement: fileURLToPath(new URL('ui/app/plain-schemas.ts', import.meta.url)) },
    ],
  },
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    target: 'es2023',
    // The content security policy allows neither data: fonts nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What most pages share is one file: left alone, the bundler makes forty small ones of it, and the first page waits for each.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'shared', minShareCount: 6 }] } } },
  },
  server: { port: 5173, proxy: { '/admin': 'http://127.0.0.1:7070' } },
});
