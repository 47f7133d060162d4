import { call, type Api, type Schemas } from '../../../api/client';

export type Staff = Schemas['Staff'];
export type Role = Schemas['StaffRole'];

export const roles: readonly Role[] = ['owner', 'manager', 'agent'];

/** The roles that someone in this role may give and take away. */
export function rolesUnder(role: Role): readonly Role[] {
  if (role === 'owner') return roles;
  return role === 'manager' ? ['agent'] : [];
}

/** The people who answer for one shop. */
export class ShopStaff {
  items = $state.raw<readonly Staff[]>([]);
  loading = $state(true);
  error = $state.raw<unknown>();
  readonly #api: Api;
  readonly #shopId: string;

  constructor(api: Api, shopId: string) {
    this.#api = api;
    this.#shopId = shopId;
  }

  /** Never rejects: failure is in `error`. */
  async load(): Promise<void> {
    this.loading = true;
    this.error = undefined;
    try {
      const params = { path: { shop_id: this.#shopId } };
      this.items = (await call(this.#api.GET('/shops/{shop_id}/staff', { params }))).items;
    } catch (error) {
      this.error = error;
    } finally {
      this.loading = false;
    }
  }

  /** Rejects with ApiError: not_found when nobody has this e-mail, a conflict when already on the staff. */
  async add(email: string, role: Role): Promise<Staff> {
    const params = { path: { shop_id: this.#shopId } };
    const body = { email, role };
    const added = await call(this.#api.POST('/shops/{shop_id}/staff', { params, body }));
    this.items = [...this.items.filter((one) => one.member_id !== added.member_id), added];
    return added;
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
