import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** Builds the Admin UI. The server serves `dist/ui` and puts a fresh nonce in place of `__CSP_NONCE__`. */
export default defineConfig({
  root: 'ui',
  plugins: [react()],
  build: {
    outDir: '../dist/ui',
    emptyOutDir: true,
    target: 'es2023',
    // The content security policy allows neither data: fonts nor inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { port: 5173, proxy: { '/admin': 'http://127.0.0.1:7070' } },
});
