/** Pure: server-sent events out of the lines of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation). */

export interface StreamedEvent {
  event: string;
  /** The last id that the stream gave, also by an earlier event; empty when none did. */
  id: string;
  data: string;
}

/** Events as they are complete; what the stream is cut off within is left out. */
export async function* readEvents(lines: AsyncIterable<string>): AsyncGenerator<StreamedEvent> {
  let event = '';
  let id = '';
  let data: string[] = [];
  for await (const line of lines) {
    if (line === '') {
      if (data.length > 0) yield { event: event === '' ? 'message' : event, id, data: data.join('\n') };
      event = '';
      data = [];
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (field === 'event') event = value;
    if (field === 'id') id = value;
    if (field === 'data') data.push(value);
  }
}
