/** What prometheus-nats-exporter (`-jsz=all -varz`) makes of a nats-server's monitoring endpoint, for as much of it as the stack names. */

interface StreamDetail {
  name: string;
  config: { max_bytes: number };
  state: { messages: number; bytes: number; last_seq: number };
  consumer_detail?: {
    name: string;
    num_pending: number;
    num_ack_pending: number;
    num_redelivered: number;
  }[];
}
interface JetStream {
  config: { max_storage: number };
  bytes: number;
  account_details?: { name: string; stream_detail?: StreamDetail[] }[];
}
interface Server {
  server_id: string;
  server_name: string;
  slow_consumers: number;
  connections: number;
  in_msgs: number;
  out_msgs: number;
  jetstream: {
    config: { max_storage: number };
    stats: { storage: number; api: { errors: number } };
  };
}

/** `monitoring` is `host:port`. */
export async function natsExposition(monitoring: string): Promise<string> {
  const [server, jetstream] = await Promise.all([
    read<Server>(`http://${monitoring}/varz`),
    read<JetStream>(`http://${monitoring}/jsz?accounts=1&streams=1&consumers=1&config=1`),
  ]);
  return [...serverLines(server), ...jetstreamLines(jetstream, server.server_name)].join('\n') + '\n';
}

function serverLines({ server_id, jetstream: { config, stats }, ...server }: Server): string[] {
  const own = { server_id };
  return [
    line('gnatsd_varz_slow_consumers', own, server.slow_consumers),
    line('gnatsd_varz_connections', own, server.connections),
    line('gnatsd_varz_in_msgs', own, server.in_msgs),
    line('gnatsd_varz_out_msgs', own, server.out_msgs),
    line('gnatsd_varz_jetstream_stats_storage', own, stats.storage),
    line('gnatsd_varz_jetstream_config_max_storage', own, config.max_storage),
    line('gnatsd_varz_jetstream_stats_api_errors', own, stats.api.errors),
  ];
}

/** A server alone leads all that it has. */
function jetstreamLines({ config, bytes, account_details = [] }: JetStream, server_name: string): string[] {
  const streams = account_details.flatMap(({ name: account_name, stream_detail = [] }) =>
    stream_detail.flatMap((stream) => {
      const labels = { account_name, stream_name: stream.name };
      const own = { ...labels, is_stream_leader: 'true' };
      return [
        line('jetstream_stream_total_bytes', own, stream.state.bytes),
        line('jetstream_stream_limit_bytes', own, stream.config.max_bytes),
        line('jetstream_stream_total_messages', own, stream.state.messages),
        line('jetstream_stream_last_seq', own, stream.state.last_seq),
        ...(stream.consumer_detail ?? []).flatMap((consumer) => {
          const its = { ...labels, consumer_name: consumer.name, is_consumer_leader: 'true' };
          return [
            line('jetstream_consumer_num_pending', its, consumer.num_pending),
            line('jetstream_consumer_num_ack_pending', its, consumer.num_ack_pending),
            line('jetstream_consumer_num_redelivered', its, consumer.num_redelivered),
          ];
        }),
      ];
    }),
  );
  return [
    line('jetstream_server_max_storage', { server_name }, config.max_storage),
    line('jetstream_server_total_message_bytes', { server_name }, bytes),
    ...streams,
  ];
}

function line(name: string, labels: Record<string, string>, value: number): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
  return `${name}{${pairs.join(',')}} ${value}`;
}

async function read<Value>(url: string): Promise<Value> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return (await answer.json()) as Value;
}
