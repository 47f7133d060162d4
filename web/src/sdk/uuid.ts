/**
 * Makes UUIDv7 ids that sort in the order of their making, also within one millisecond and when the clock is set
 * back: the outbox keeps the order of typing by them.
 */
export function createUuid(
  now: () => number,
  fill: (bytes: Uint8Array<ArrayBuffer>) => void,
): () => string {
  let last = 0;
  let counter = 0;
  return () => {
    const bytes = new Uint8Array(16);
    fill(bytes);
    const ms = Math.max(now(), last);
    // 12 bits after the time count within a millisecond, from a random start with room to grow.
    counter = ms === last ? counter + 1 : ((bytes[6]! & 0x07) << 8) | bytes[7]!;
    last = ms;
    if (counter > 0xfff) {
      last++;
      counter = 0;
    }
    const view = new DataView(bytes.buffer);
    view.setUint16(0, Math.floor(last / 2 ** 32));
    view.setUint32(2, last % 2 ** 32);
    view.setUint16(6, 0x7000 | counter);
    view.setUint8(8, (bytes[8]! & 0x3f) | 0x80);
    const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  };
}
