import type { Schemas } from '../../api/client';

/** Whether there is something the member has yet to do; what says so is fetched then. */
export const needsBanner = (me: Schemas['Me'] | undefined): me is Schemas['Me'] =>
  me !== undefined && (!me.member.email_proved || (me.second_factor_demanded && !me.second_factor));
