// Keeps count of who answered. A round is one scrape of each endpoint, begun together.

export function createTally() {
  let rounds = [];
  const totals = { rounds: 0, app: 0, sidecar: 0, slowestMs: 0 };
  return {
    /** Since the beginning; rounds under way are not among them. */
    totals,
    /** A new round; `app`, `sidecar` and `values` are added to it as they come. */
    begin() {
      const round = {};
      rounds.push(round);
      return round;
    },
    end({ app, sidecar }) {
      totals.rounds++;
      if (app.text !== undefined) totals.app++;
      if (sidecar.text !== undefined) totals.sidecar++;
      totals.slowestMs = Math.max(totals.slowestMs, answeredMs(sidecar));
    },
    /** Before a freeze: what has been until now is of no interest any more. */
    forget() {
      rounds = [];
    },
    /**
     * What was answered within a freeze. Of the rounds only those count that began and ended in it: one under way at
     * the end of the freeze says nothing, for then the app answers. The highest lag may come from those too.
     */
    within(span) {
      const answers = rounds.filter(({ sidecar }) => isWithin(sidecar, span));
      const whole = answers.filter(({ app }) => isWithin(app, span));
      return {
        rounds: whole.length,
        app: whole.filter(({ app }) => app.text !== undefined).length,
        sidecar: whole.filter(({ sidecar }) => sidecar.text !== undefined).length,
        slowestMs: Math.max(0, ...answers.map(({ sidecar }) => answeredMs(sidecar))),
        lagSeconds: Math.max(0, ...answers.map(({ values }) => values?.lagSeconds ?? 0)),
      };
    },
  };
}

function isWithin(scrape, { startedAt, endedAt }) {
  return scrape !== undefined && scrape.startedAt >= startedAt && scrape.endedAt <= endedAt;
}

const answeredMs = ({ text, ms }) => (text === undefined ? 0 : ms);
