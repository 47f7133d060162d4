import { afterEach, expect, test, vi } from 'vitest';
import { makePasskey, passkeysWork, usePasskey } from './passkeys';

const bytes = (...values: number[]) => new Uint8Array(values).buffer;
type Json = Record<string, never>;

afterEach(() => vi.unstubAllGlobals());

/** A browser from before it knew the JSON itself. */
function oldBrowser(act: 'create' | 'get', answer: () => Promise<unknown>) {
  const asked = vi.fn<(options: unknown) => Promise<unknown>>(answer);
  vi.stubGlobal('PublicKeyCredential', class {});
  vi.stubGlobal('navigator', { credentials: { [act]: asked } });
  return asked;
}

test('a browser without the JSON is given bytes, and its bytes become base64url', async () => {
  const asked = oldBrowser('create', () =>
    Promise.resolve({
      id: '-_8',
      rawId: bytes(251, 255),
      type: 'public-key',
      authenticatorAttachment: 'platform',
      getClientExtensionResults: () => ({}),
      response: {
        clientDataJSON: bytes(1),
        attestationObject: bytes(2, 3),
        getTransports: () => ['internal'],
      },
    }),
  );
  const options = {
    challenge: '-_8',
    rp: { name: '몰' },
    user: { id: 'AQ', name: 'a', displayName: 'a' },
    excludeCredentials: [{ id: 'Ag', type: 'public-key' }],
  } as unknown as Json;
  expect(passkeysWork()).toBe(true);
  expect(await makePasskey(options)).toEqual({
    id: '-_8',
    rawId: '-_8',
    type: 'public-key',
    authenticatorAttachment: 'platform',
    clientExtensionResults: {},
    response: { clientDataJSON: 'AQ', attestationObject: 'AgM', transports: ['internal'] },
  });
  expect(asked.mock.calls[0]![0]).toMatchObject({
    publicKey: {
      challenge: new Uint8Array([251, 255]),
      user: { id: new Uint8Array([1]) },
      excludeCredentials: [{ id: new Uint8Array([2]) }],
    },
  });
});

test('somebody who thinks better of it is no failure', async () => {
  oldBrowser('get', () => Promise.reject(new DOMException('', 'NotAllowedError')));
  expect(await usePasskey({ challenge: 'AQ' } as unknown as Json)).toBeNull();
});

test('what the browser cannot do is one', async () => {
  oldBrowser('get', () => Promise.reject(new DOMException('', 'SecurityError')));
  await expect(usePasskey({ challenge: 'AQ' } as unknown as Json)).rejects.toThrow();
});
