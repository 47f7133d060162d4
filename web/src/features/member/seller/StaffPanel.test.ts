import { render, screen, waitFor, within } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { apiOf, json, member, problem, type Answer } from '../../../seller/testing/fixture';
import type { Role } from './staff.svelte';
import StaffPanel from './StaffPanel.svelte';

const staff = (id: string, role: Role) => ({
  member_id: id,
  name: id === 'm1' ? '박달님' : `직원 ${id}`,
  email: `${id}@demo.mall`,
  role,
});

function open(role: Role, answers: Record<string, Answer> = {}) {
  const { api, asked } = apiOf({
    'GET /shops/s1/staff': () => ({ items: [staff('m1', role), staff('m2', 'agent')] }),
    ...answers,
  });
  const onchanged = vi.fn();
  const shop = { id: 's1', name: '달빛상점', role };
  render(StaffPanel, { props: { api, shop, member, onchanged } });
  return { asked, onchanged, user: userEvent.setup() };
}

const row = async (name: string) =>
  within((await screen.findByText(name)).closest('li') as HTMLElement);

describe('staff', () => {
  it('lets an owner give roles', async () => {
    const { asked, user } = open('owner', {
      'PUT /shops/s1/staff/m2': (_, body) => staff('m2', (body as { role: Role }).role),
    });
    const select = (await row('직원 m2')).getByLabelText<HTMLSelectElement>('직원 m2님의 역할');
    await user.selectOptions(select, '매니저');
    await waitFor(() => expect(select.value).toBe('manager'));
    expect(asked.at(-1)?.body).toEqual({ role: 'manager' });
  });

  it('shows the role that still is when it could not be changed', async () => {
    const { user } = open('owner', {
      'PUT /shops/s1/staff/m1': () => problem(409, 'last_owner'),
    });
    const select = (await row('박달님 (나)')).getByLabelText<HTMLSelectElement>(/역할/);
    await user.selectOptions(select, '상담원');
    await waitFor(() => expect(select.disabled).toBe(false));
    expect(select.value).toBe('owner');
  });

  it('adds by e-mail and says why it could not', async () => {
    let known = false;
    const { user } = open('owner', {
      'POST /shops/s1/staff': () =>
        known ? json(staff('m3', 'agent'), 201) : problem(404, 'member_not_found', 'email'),
    });
    const email = await screen.findByLabelText('추가할 회원의 이메일');
    await user.click(screen.getByRole('button', { name: '직원 추가' }));
    expect(screen.getByText('이메일을 입력해 주세요.')).toBeTruthy();
    await user.type(email, 'm3@demo.mall{Enter}');
    await screen.findByText(/이 이메일로 가입한 회원이 없습니다/);
    known = true;
    await user.click(screen.getByRole('button', { name: '직원 추가' }));
    await screen.findByText('직원 m3');
  });

  it('asks before removing', async () => {
    const { asked, user } = open('owner', {
      'DELETE /shops/s1/staff/m2': () => new Response(null, { status: 204 }),
    });
    await user.click((await row('직원 m2')).getByRole('button', { name: '직원 m2님 내보내기' }));
    expect(asked).toHaveLength(1);
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: '내보내기' }));
    await waitFor(() => expect(screen.queryByText('직원 m2')).toBeNull());
  });

  it('gives a manager agents only, and an agent nobody but themselves', async () => {
    open('manager');
    expect((await row('직원 m2')).queryByRole('combobox')).toBeNull();
    expect((await row('직원 m2')).getByRole('button')).toBeTruthy();
    expect(screen.getByLabelText<HTMLSelectElement>('역할').options).toHaveLength(1);
  });

  it('lets an agent look and leave', async () => {
    const { onchanged, user } = open('agent', {
      'DELETE /shops/s1/staff/m1': () => new Response(null, { status: 204 }),
    });
    expect((await row('직원 m2')).queryByRole('button')).toBeNull();
    expect(screen.queryByRole('button', { name: '직원 추가' })).toBeNull();
    await user.click((await row('박달님 (나)')).getByRole('button', { name: '나가기' }));
    await user.click(within(screen.getByRole('dialog')).getByRole('button', { name: '나가기' }));
    await waitFor(() => expect(onchanged).toHaveBeenCalled());
  });
});
