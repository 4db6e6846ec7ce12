/** What the ports of this domain have in common: an outside server that is asked, and how it fails. */

/**
 * `unreachable`: no connection. `timeout`: no whole answer in time. `refused`: it does not accept our credentials, or the credentials
 * cannot be read. `bad_status`: any other error status. `bad_response`: an answer that is too large, no JSON, of another shape, or a redirect.
 */
export type SourceErrorCode = 'unreachable' | 'timeout' | 'refused' | 'bad_status' | 'bad_response';

/** An outside server brought no valid answer. The message names server and path, and never holds credentials. */
export class SourceError extends Error {
  readonly code: SourceErrorCode;
  /** What is wrong, in a sentence without the server's name. */
  readonly detail: string;
  constructor(code: SourceErrorCode, source: string, detail: string, options?: ErrorOptions) {
    super(`${source}: ${detail}`, options);
    this.name = 'SourceError';
    this.code = code;
    this.detail = detail;
  }
}

export interface CallOptions {
  /** Ends the call when the caller goes away. */
  signal?: AbortSignal;
}

export interface OutsideSource {
  /** Name of the system and its address without credentials: `Loki http://loki:3100`. */
  readonly source: string;
  /** Without credentials. */
  readonly address: string;
  /** Resolves when the server answers as what it should be; rejects with SourceError. */
  check(options?: CallOptions): Promise<void>;
}
