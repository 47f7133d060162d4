/** News within this time of the last words is gathered into a number. */
const gather = 2_000;

/**
 * Says new messages to assistive tech without flooding it: the first at once, what follows within 2 s as a number.
 * Call the result for each new message; `stop` drops what is still waiting.
 */
export function announcer(
  say: (words: string) => void,
  many: (n: number) => string,
): { (words: string): void; stop(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let waiting: string[] = [];

  function flush(): void {
    timer = undefined;
    if (waiting.length === 0) return;
    say(waiting.length === 1 ? (waiting[0] ?? '') : many(waiting.length));
    waiting = [];
    timer = setTimeout(flush, gather);
  }

  const announce = (words: string): void => {
    waiting.push(words);
    if (timer === undefined) flush();
  };
  announce.stop = () => clearTimeout(timer);
  return announce;
}
