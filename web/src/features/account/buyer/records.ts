import { call, type Api, type Schemas } from '../../../api/client';

/** What the law makes the mall keep, and until when. */
export type Remainder = Schemas['Remainder'];

/**
 * The copy of what the mall keeps of the caller, as a file. The server writes it while it reads: one that ends before its
 * last field was cut off on the way, and is refused here rather than kept. Rejects with ApiError, or SyntaxError.
 */
export async function fetchExport(api: Api): Promise<Blob> {
  const text = (await call(api.GET('/me/export', { parseAs: 'text' }))) as unknown as string;
  const { complete } = JSON.parse(text) as { complete?: boolean };
  if (complete !== true) throw new SyntaxError('the export was cut off');
  return new Blob([text], { type: 'application/json' });
}

/** Takes the caller's account away, for ever. Rejects with ApiError. */
export const erase = (api: Api): Promise<Remainder> =>
  call(api.POST('/me/erasure', { body: { confirm: 'erase' } }));
