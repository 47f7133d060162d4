import { call, type Api, type Schemas } from '../../../api/client';

export type Staff = Schemas['Staff'];
export type Role = Schemas['StaffRole'];
export type Invitation = Schemas['Invitation'];

export const roles: readonly Role[] = ['owner', 'manager', 'agent'];

/** The roles that someone in this role may give and take away. */
export function rolesUnder(role: Role): readonly Role[] {
  if (role === 'owner') return roles;
  return role === 'manager' ? ['agent'] : [];
}

/** The people who answer for one shop, and those who were asked to. */
export class ShopStaff {
  items = $state.raw<readonly Staff[]>([]);
  /** Open invitations; none are shown to who may not give any. */
  invitations = $state.raw<readonly Invitation[]>([]);
  loading = $state(true);
  error = $state.raw<unknown>();
  readonly #api: Api;
  readonly #shopId: string;
  readonly #mayInvite: boolean;

  constructor(api: Api, shopId: string, mayInvite: boolean) {
    this.#api = api;
    this.#shopId = shopId;
    this.#mayInvite = mayInvite;
  }

  /** Never rejects: failure is in `error`. */
  async load(): Promise<void> {
    this.loading = true;
    this.error = undefined;
    const params = { path: { shop_id: this.#shopId } };
    try {
      const [staff, invitations] = await Promise.all([
        call(this.#api.GET('/shops/{shop_id}/staff', { params })),
        this.#mayInvite
          ? call(this.#api.GET('/shops/{shop_id}/invitations', { params }))
          : undefined,
      ]);
      this.items = staff.items;
      this.invitations = invitations?.items ?? [];
    } catch (error) {
      this.error = error;
    } finally {
      this.loading = false;
    }
  }

  /** Invites whoever has this e-mail address. Rejects with ApiError; nothing tells whether anybody has. */
  async invite(email: string, role: Role): Promise<Invitation> {
    const params = { path: { shop_id: this.#shopId } };
    const body = { email, role };
    const made = await call(this.#api.POST('/shops/{shop_id}/invitations', { params, body }));
    this.invitations = [made, ...this.invitations.filter((one) => one.id !== made.id)];
    return made;
  }

  /** Takes an invitation back. Rejects with ApiError. */
  async withdraw(id: string): Promise<void> {
    const params = { path: { shop_id: this.#shopId, invitation_id: id } };
    await call(this.#api.DELETE('/shops/{shop_id}/invitations/{invitation_id}', { params }));
    this.invitations = this.invitations.filter((one) => one.id !== id);
  }

  /** Rejects with ApiError: a conflict when the shop would be left without an owner. */
  async setRole(memberId: string, role: Role): Promise<Staff> {
    const params = this.#one(memberId);
    const body = { role };
    const changed = await call(
      this.#api.PUT('/shops/{shop_id}/staff/{member_id}', { params, body }),
    );
    this.items = this.items.map((one) => (one.member_id === memberId ? changed : one));
    return changed;
  }

  /** Rejects like setRole. */
  async remove(memberId: string): Promise<void> {
    await call(
      this.#api.DELETE('/shops/{shop_id}/staff/{member_id}', { params: this.#one(memberId) }),
    );
    this.items = this.items.filter((one) => one.member_id !== memberId);
  }

  #one(memberId: string) {
    return { path: { shop_id: this.#shopId, member_id: memberId } };
  }
}
