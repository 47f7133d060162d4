import { expect, test } from 'vitest';
import ko from './ko';

test('Korean particles follow the name', () => {
  expect(ko.logLabel('달빛상점')).toBe('달빛상점과의 대화');
  expect(ko.logLabel('지민이네')).toBe('지민이네와의 대화');
  expect(ko.logLabel('Moon')).toBe('Moon와의 대화');
});
