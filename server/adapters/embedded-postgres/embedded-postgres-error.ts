/** Says in one sentence, fit for the terminal, why the embedded PostgreSQL cannot be used. */
export class EmbeddedPostgresError extends Error {
  override name = 'EmbeddedPostgresError';
}
