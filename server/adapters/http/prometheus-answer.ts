/** The answers of the Prometheus query API, in which VictoriaMetrics answers, too, and Loki where figures are counted from lines. */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { MetricPoint, MetricSeries } from '#server/observability/metric-source.ts';

const Labels = Type.Record(Type.String(), Type.String());
/** Seconds since 1970, and the value as text. */
const Sample = Type.Tuple([Type.Number(), Type.String()]);

const Matrix = Type.Object({
  status: Type.Literal('success'),
  data: Type.Object({
    resultType: Type.Literal('matrix'),
    result: Type.Array(Type.Object({ metric: Labels, values: Type.Array(Sample) })),
  }),
});
const Vector = Type.Object({
  status: Type.Literal('success'),
  data: Type.Object({
    resultType: Type.Literal('vector'),
    result: Type.Array(Type.Object({ metric: Labels, value: Sample })),
  }),
});

export const matrixAnswer = Compile(Matrix);
export const vectorAnswer = Compile(Vector);

/** NaN and infinities can neither be drawn nor written as JSON. */
function pointOf([at, text]: Static<typeof Sample>): MetricPoint {
  const value = Number(text);
  return [at, Number.isFinite(value) ? value : null];
}

export const seriesOfMatrix = ({ data }: Static<typeof Matrix>): MetricSeries[] =>
  data.result.map(({ metric, values }) => ({ labels: metric, points: values.map(pointOf) }));

export const seriesOfVector = ({ data }: Static<typeof Vector>): MetricSeries[] =>
  data.result.map(({ metric, value }) => ({ labels: metric, points: [pointOf(value)] }));
