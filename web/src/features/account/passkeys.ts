// The Web Authentication API with JSON on both sides. Browsers that do not know the JSON themselves (Safari before 18.4,
// Chromium before 129) get it from here.

import type { Schemas } from '../../api/client';

/** JSON as the server sends and takes it: bytes are base64url. */
type Json = Record<string, unknown>;

interface Reads {
  parseCreationOptionsFromJSON?: (json: Json) => PublicKeyCredentialCreationOptions;
  parseRequestOptionsFromJSON?: (json: Json) => PublicKeyCredentialRequestOptions;
}

/** Whether this browser knows passkeys at all. */
export const passkeysWork = (): boolean =>
  typeof PublicKeyCredential !== 'undefined' && 'credentials' in navigator;

/** Has the browser make a passkey; null when the person thought better of it. Rejects when the browser cannot. */
export async function makePasskey(
  options: Schemas['WebAuthn'],
): Promise<Schemas['WebAuthn'] | null> {
  const json = bare(options);
  const { parseCreationOptionsFromJSON: read } = PublicKeyCredential as unknown as Reads;
  const publicKey = read
    ? read.call(PublicKeyCredential, json)
    : (toBytes(json) as unknown as PublicKeyCredentialCreationOptions);
  return unlessDeclined(navigator.credentials.create({ publicKey }));
}

/** Has the browser sign with a passkey; null when the person thought better of it. Rejects when the browser cannot. */
export async function usePasskey(
  options: Schemas['WebAuthn'],
): Promise<Schemas['WebAuthn'] | null> {
  const json = bare(options);
  const { parseRequestOptionsFromJSON: read } = PublicKeyCredential as unknown as Reads;
  const publicKey = read
    ? read.call(PublicKeyCredential, json)
    : (toBytes(json) as unknown as PublicKeyCredentialRequestOptions);
  return unlessDeclined(navigator.credentials.get({ publicKey }));
}

/** Servers wrap the options the way navigator.credentials takes them, or do not. */
const bare = (options: object): Json =>
  'publicKey' in options ? (options.publicKey as Json) : (options as Json);

async function unlessDeclined(
  asking: Promise<Credential | null>,
): Promise<Schemas['WebAuthn'] | null> {
  try {
    const made = (await asking) as PublicKeyCredential | null;
    return made && (toJson(made) as Schemas['WebAuthn']);
  } catch (error) {
    // The person closed the browser's window or waited too long; browsers do not tell which.
    if (error instanceof Error && error.name === 'NotAllowedError') return null;
    throw error;
  }
}

function toJson(made: PublicKeyCredential): object {
  if (typeof made.toJSON === 'function') return made.toJSON() as object;
  const { response } = made;
  return {
    id: made.id,
    rawId: fromBytes(made.rawId),
    type: made.type,
    authenticatorAttachment: made.authenticatorAttachment ?? undefined,
    clientExtensionResults: made.getClientExtensionResults(),
    response: {
      clientDataJSON: fromBytes(response.clientDataJSON),
      ...('attestationObject' in response
        ? attested(response as Attested)
        : signed(response as Signed)),
    },
  };
}

type Attested = AuthenticatorAttestationResponse;
type Signed = AuthenticatorAssertionResponse;

const attested = (response: Attested) => ({
  attestationObject: fromBytes(response.attestationObject),
  transports: response.getTransports?.() ?? [],
});

const signed = (response: Signed) => ({
  authenticatorData: fromBytes(response.authenticatorData),
  signature: fromBytes(response.signature),
  ...(response.userHandle && { userHandle: fromBytes(response.userHandle) }),
});

function toBytes(json: Json): Json {
  const user = json['user'] as Json | undefined;
  return {
    ...json,
    challenge: decode(json['challenge']),
    ...(user && { user: { ...user, id: decode(user['id']) } }),
    ...lists(json, 'excludeCredentials'),
    ...lists(json, 'allowCredentials'),
  };
}

function lists(json: Json, name: string): Json {
  const list = json[name] as Json[] | undefined;
  return list ? { [name]: list.map((one) => ({ ...one, id: decode(one['id']) })) } : {};
}

function decode(text: unknown): Uint8Array<ArrayBuffer> {
  const base64 = String(text).replaceAll('-', '+').replaceAll('_', '/');
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function fromBytes(bytes: ArrayBuffer): string {
  const letters = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte));
  return btoa(letters.join('')).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}
