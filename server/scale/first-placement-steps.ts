/** The steps that give a tenant its placements in one environment, where it has none: for a new tenant, and for one that comes back. */
import { NODE_KINDS, SERVICE_KINDS, type ServiceKind } from '#contract/placement-record.ts';
import type { StepContext, StepDefinition } from '#server/jobs/job-definition.ts';
import {
  PLACE_TIMEOUT_S,
  placingStepNames,
  type Placed,
  type PlacingInput,
} from './first-placement-rules.ts';
import { nodesGone, nodesNamed, siteSettings } from './job-site.ts';
import { patientStore } from './patient-store.ts';
import {
  awaitAcknowledgement,
  awaitReturn,
  awaitTenantStates,
  firstWriteOf,
  reloadNodes,
  reloadWhatAnswers,
  writePlacement,
} from './placement-steps.ts';
import { removeCreated, settleCreated } from './placement-transition-rules.ts';
import { acknowledgers, expectedOf, type ScaleDependencies } from './scale-settings.ts';

/** The steps of `placingStepTitles`; `place` writes the placements, with the job's id and once only. */
export function placingSteps<I extends PlacingInput>(
  dependencies: ScaleDependencies,
  environment: string,
  ack_timeout_s: number,
  place: (step: StepContext<I>) => Promise<Placed>,
): StepDefinition<I>[] {
  const admin = dependencies.nodes;
  const names = placingStepNames(environment);
  const settingsOf = () => siteSettings(dependencies, environment);
  const placedBy = (step: StepContext<I>) =>
    Object.entries(step.outputs[names.place] as Placed) as [ServiceKind, NonNullable<Placed[ServiceKind]>][];

  async function takeOff(step: StepContext<I>): Promise<void> {
    const settings = settingsOf();
    const store = patientStore(step, settings);
    const { tenant_id } = step.input;
    for (const service of SERVICE_KINDS) {
      const aware_from = await firstWriteOf(store, { service, tenant_id }, step.job_id);
      if (aware_from === null) continue;
      const { revision } = await writePlacement(store, { service, tenant_id }, (record) =>
        removeCreated(record, true),
      );
      await awaitReturn(step, admin, [
        {
          tenant_id,
          revision,
          aware_from,
          acknowledgers: () => acknowledgers(settings, service),
          serving: [],
          absent: expectedOf(settings, [service]),
        },
      ]);
    }
  }

  async function verify(step: StepContext<I>): Promise<void> {
    const settings = settingsOf();
    const store = patientStore(step, settings);
    const { tenant_id } = step.input;
    const expectations = [];
    for (const [service, { nodes }] of placedBy(step)) {
      const { revision } = await writePlacement(store, { service, tenant_id }, (record) =>
        settleCreated(record, step.job_id),
      );
      const holders = nodesNamed(settings.nodes, nodes);
      if (holders.length === 0) throw nodesGone(nodes);
      for (const node of holders) {
        expectations.push({ node, tenant_id, state: 'active' as const, revision });
      }
    }
    await reloadWhatAnswers(
      step,
      admin,
      expectations.map(({ node }) => node),
    );
    await awaitTenantStates(step, admin, expectations);
  }

  return [
    { name: names.place, run: place, undo: takeOff, time_box_s: PLACE_TIMEOUT_S },
    {
      name: names.reload,
      run: (step) => reloadNodes(step, admin, settingsOf().nodes),
      time_box_s: ack_timeout_s,
    },
    {
      name: names.acknowledge,
      run: (step) => {
        const revision = Math.max(...placedBy(step).map(([, each]) => each.revision));
        return awaitAcknowledgement(step, admin, [{ settings: settingsOf(), kinds: NODE_KINDS, revision }]);
      },
      time_box_s: ack_timeout_s,
    },
    { name: names.verify, run: verify, time_box_s: ack_timeout_s },
  ];
}
