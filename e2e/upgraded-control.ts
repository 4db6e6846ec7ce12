/**
 * The real control plane as a later release of it: the code that runs jobs reads differently, so an engine that told releases apart by
 * their code would not take this one's to be the same.
 */
import { registerHooks } from 'node:module';

const OLD = 'runJob(deps, jobId, runNumber)';

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/server/jobs/job-runner.ts')) return loaded;
    const source = Buffer.from(loaded.source as Uint8Array).toString();
    if (!source.includes(OLD)) throw new Error(`job-runner.ts does not say ${OLD} any more`);
    return { ...loaded, source: source.replace(OLD, `${OLD} /* a later release */`) };
  },
});
await import('#server/main.ts');
