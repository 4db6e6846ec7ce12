/** The part of `docker-engine.mjs` that TypeScript uses. */
export declare function findDockerEngine():
  | { path: string; reason?: undefined }
  | { path?: undefined; reason: string };
