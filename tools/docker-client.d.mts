/** The part of `docker-client.mjs` that TypeScript uses. */
export declare function findDockerClient():
  | { docker: string[]; compose: string[]; reason?: undefined }
  | { docker?: undefined; compose?: undefined; reason: string };
