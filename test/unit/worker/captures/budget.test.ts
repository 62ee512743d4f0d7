import { describe, expect, it } from 'vitest';
import { createBudget } from '../../../../worker/captures/budget.js';

describe('the budget of captures', () => {
  it('has three stalls in a row looked into, then one in five seconds', () => {
    const budget = createBudget();
    for (const nowMs of [0, 300, 600]) {
      expect(budget.allows(nowMs, true)).toBe(true);
      budget.spend(nowMs, 3, true);
    }
    expect(budget.allows(1000, false)).toBe(true);
    budget.spend(1000, 3, false);
    expect(budget.allows(4999, true)).toBe(false);
    expect(budget.allows(5000, true)).toBe(true);
    budget.spend(5000, 3, true);
    expect(budget.allows(9999, true)).toBe(false);
    expect(budget.allows(10_000, true)).toBe(true);
  });

  it('costs at most 0.5 % over any ten minutes, whatever a capture costs', () => {
    const budget = createBudget();
    const spent: { at: number; cost: number }[] = [];
    for (let now = 0; now < 3_600_000; now += 1000) {
      if (!budget.allows(now, false)) continue;
      budget.spend(now, 45, false);
      spent.push({ at: now, cost: 45 });
      const total = spent.filter(({ at }) => at > now - 600_000).reduce((sum, { cost }) => sum + cost, 0);
      expect(total).toBeLessThanOrEqual(3000);
    }
    expect(spent.length).toBeGreaterThan(300);
  });
});
