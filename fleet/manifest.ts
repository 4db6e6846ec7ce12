import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { NodeKindSchema } from '#contract/node.ts';

/** Where the fleet answers and with which token: what the server reads to find the nodes. */
export const FleetManifestSchema = Type.Object({
  control_url: Type.String(),
  token: Type.String({ minLength: 1 }),
  nodes: Type.Array(
    Type.Object({
      node_id: Type.String(),
      kind: NodeKindSchema,
      environment: Type.String(),
      url: Type.String(),
      shards: Type.Array(Type.String()),
      labels: Type.Object({ region: Type.String() }),
      version: Type.String(),
    }),
  ),
});
export type FleetManifest = Static<typeof FleetManifestSchema>;

/** The manifest in a file, or null when there is none or it cannot be understood: it is only a memory of ports and token. */
export async function readManifest(path: string): Promise<FleetManifest | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Value.Check(FleetManifestSchema, value) ? value : null;
  } catch {
    return null;
  }
}

/** Writes the manifest so that a reader sees the old one or the new one, readable by its owner alone: it holds the token. */
export async function writeManifest(path: string, manifest: FleetManifest): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    await writeFile(temporary, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
