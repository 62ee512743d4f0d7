import type { FollowNews, InspectorAnswer, InspectorMessage } from '../inspector/messages.js';

/** What was seen is to be mapped to its source within this time, or stays as V8 has it. */
const MAPPING_MS = 5000;
/** The thread keeps to the deadline of a request itself; this long after it something is wrong. */
const OVERDUE_MS = 1000;

/** A request under way. */
interface Waiting {
  /** What there is to answer with if the thread says nothing more. */
  fallback: InspectorAnswer;
  overdue: NodeJS.Timeout;
  deadlineMs: number;
  readonly onNews: (news: FollowNews) => void;
  readonly resolve: (answer: InspectorAnswer) => void;
}

/** The requests under way. */
export interface Requests {
  open(): number;
  /** @param onNews told of what there is before the answer; the deadline begins anew with each */
  add(
    deadlineMs: number,
    failed: InspectorAnswer,
    onNews?: (news: FollowNews) => void,
  ): { readonly id: number; readonly answer: Promise<InspectorAnswer> };
  hear(message: InspectorMessage): void;
  /** With what there is. */
  settle(id: number): void;
  /** There is nothing left to do but to map what was seen. */
  hurry(id: number): void;
  /** Each with what there is. */
  settleAll(): void;
}

/** @param onOverdue the thread does not keep to a deadline */
export function openRequests(onOverdue: () => void): Requests {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;

  function settle(id: number, answer?: InspectorAnswer): void {
    const request = waiting.get(id);
    if (!request) return;
    waiting.delete(id);
    clearTimeout(request.overdue);
    request.resolve(answer ?? request.fallback);
  }

  function expect(request: Waiting, withinMs: number): void {
    clearTimeout(request.overdue);
    request.overdue = setTimeout(onOverdue, withinMs);
  }

  return {
    open: () => waiting.size,
    add(deadlineMs, fallback, onNews = () => {}) {
      const id = ++lastId;
      const answer = new Promise<InspectorAnswer>((resolve) => {
        const overdue = setTimeout(onOverdue, deadlineMs + OVERDUE_MS);
        waiting.set(id, { fallback, overdue, deadlineMs, onNews, resolve });
      });
      return { id, answer };
    },
    hear(message) {
      const request = waiting.get(message.id);
      if (!request) return;
      if ('answer' in message) settle(message.id, message.answer);
      else if ('news' in message) {
        expect(request, request.deadlineMs + OVERDUE_MS);
        request.onNews(message.news);
      } else {
        request.fallback = message.seen;
        expect(request, MAPPING_MS);
      }
    },
    hurry(id) {
      const request = waiting.get(id);
      if (!request) return;
      request.deadlineMs = MAPPING_MS - OVERDUE_MS;
      expect(request, MAPPING_MS);
    },
    settle: (id) => settle(id),
    settleAll() {
      for (const id of [...waiting.keys()]) settle(id);
    },
  };
}
