/**
 * Reads an event stream (HTML standard, section 9.2.6) piece by piece, however it was cut. `on` gets each event that
 * carries data; its name is empty where the server gave none. Comments are passed over, and so are `id` and `retry`:
 * this client knows by itself where to go on, and when.
 */
export function createEventReader(
  on: (name: string, data: string) => void,
): (piece: string) => void {
  let rest = '';
  let name = '';
  let data: string[] = [];

  function line(text: string) {
    if (text === '') {
      if (data.length) on(name, data.join('\n'));
      name = '';
      data = [];
    }
    const [, field, value = ''] = /^([^:]+)(?:: ?(.*))?$/s.exec(text) ?? [];
    if (field === 'data') data.push(value);
    if (field === 'event') name = value;
  }

  return (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    // A lone carriage return, the standard's third line end, is nothing our server writes.
    for (const text of lines) line(text.endsWith('\r') ? text.slice(0, -1) : text);
  };
}
