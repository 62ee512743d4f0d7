import {
  DATASOURCE,
  type Dashboard,
  expressionsOf,
  kindOf,
  type Link,
  panelsOf,
  queryOf,
  type Rule,
  selectorsOf,
  variable,
} from './model.js';

/** `[holds, what is wrong if not]`. */
type Claim = readonly [boolean, string];

function broken(...claims: Claim[]): string[] {
  return claims.filter(([holds]) => !holds).map(([, message]) => message);
}

/** What each of both dashboards must have of a variable that narrows its queries. */
function chooser(dashboard: Dashboard, name: string, label: string, query: string): string[] {
  const found = dashboard.templating.list.find((one) => one.name === name);
  if (found === undefined) return [`there is no variable ${name}`];
  return broken(
    [found.type === 'query', `${name} is no query`],
    [found.label === label, `${name} is not labelled ${label}`],
    [queryOf(found) === query, `${name} asks for ${queryOf(found)}`],
    [JSON.stringify(found.datasource) === JSON.stringify(DATASOURCE), `${name} has a data source of its own`],
    [found.multi === true, `${name} takes one value only`],
    [found.includeAll === true && found.allValue === '.+', `All of ${name} is not .+`],
  );
}

/** `$name` and `${name...}`; Grafana's own begin with two underscores. */
function namesUsed(text: string): string[] {
  return [...text.matchAll(/\$\{?([a-z]\w*)/gi)].map(([, name = '']) => name);
}

function linksOf(dashboard: Dashboard): Link[] {
  return [
    ...dashboard.links,
    ...panelsOf(dashboard).flatMap((panel) => panel.fieldConfig?.defaults.links ?? []),
  ];
}

/** @param variablesByUid the names of the variables of each dashboard that there is */
export function dashboardRules(variablesByUid: ReadonlyMap<string, readonly string[]>): Rule[] {
  return [
    {
      // The alerts and the other dashboard link to a fixed uid. An id belongs to one Grafana's database;
      // __inputs are questions that file provisioning cannot answer. Older schemas are migrated by guesswork.
      name: 'can be imported and provisioned anywhere',
      check: (dashboard) =>
        broken(
          [/^[\w-]{1,40}$/.test(dashboard.uid), 'no fixed uid'],
          [!('id' in dashboard), 'has an id'],
          [!('__inputs' in dashboard), 'asks questions on import'],
          [Number(dashboard.schemaVersion) >= 39 && Number(dashboard.schemaVersion) <= 42, 'schema version'],
        ),
      spoil: (dashboard) => {
        dashboard.id = 7;
      },
    },
    {
      // What is changed in the browser is lost with the next update of the package. Who wants changes makes a
      // copy.
      name: 'cannot be edited in place',
      check: (dashboard) => broken([dashboard.editable === false, 'is editable']),
      spoil: (dashboard) => {
        dashboard.editable = true;
      },
    },
    {
      // The question is always what else happened at that moment.
      name: 'shows one crosshair on all charts',
      check: (dashboard) => broken([dashboard.graphTooltip === 1, 'no shared crosshair']),
      spoil: (dashboard) => {
        dashboard.graphTooltip = 0;
      },
    },
    {
      // Everyone's Prometheus has another name. First, because the other variables ask it.
      name: 'lets one choose the data source',
      check: ({ templating }) => {
        const [first] = templating.list;
        const sources = templating.list.filter((one) => one.type === 'datasource');
        return broken(
          [first?.name === 'datasource' && first.type === 'datasource', 'does not come first'],
          [first?.query === 'prometheus', 'is of another type than Prometheus'],
          [first?.label === 'Data Source', 'has another label'],
          [sources.length === 1, 'is not the only one'],
        );
      },
      spoil: (dashboard) => {
        dashboard.templating.list.shift();
      },
    },
    {
      // Two services on one page say nothing of either. `.+` needs the label to be there, which `.*` does
      // not.
      name: 'lets one choose the job',
      check: (dashboard) => chooser(dashboard, 'job', 'Job', 'label_values(watchdog_build_info, job)'),
      spoil: (dashboard) => {
        variable(dashboard, 'job').allValue = '.*';
      },
    },
    {
      // A stall is one process's: one must get down to it. Only instances of the jobs chosen are offered.
      name: 'lets one choose the instance',
      check: (dashboard) =>
        chooser(
          dashboard,
          'instance',
          'Instance',
          'label_values(watchdog_build_info{job=~"$job"}, instance)',
        ),
      spoil: (dashboard) => {
        variable(dashboard, 'instance').multi = false;
      },
    },
    {
      // A process that ended yesterday must be on offer when one looks at yesterday.
      name: 'looks up the values of variables for the time shown',
      check: ({ templating }) =>
        templating.list
          .filter((one) => one.type === 'query' && one.refresh !== 2)
          .map((one) => `${one.name} is looked up on load only`),
      spoil: (dashboard) => {
        variable(dashboard, 'job').refresh = 1;
      },
    },
    {
      // A variable that asks for a series that nobody serves is empty, and empties all panels. One that asks
      // for another label than its name says misleads whoever reads a query.
      name: 'asks for variables by series that are served',
      check: ({ templating }) =>
        templating.list
          .filter((one) => one.type === 'query')
          .flatMap((one) => {
            const [, series = '', label] =
              /^label_values\((\w+)(?:\{.*\})?, (\w+)\)$/.exec(queryOf(one)) ?? [];
            return broken(
              [kindOf(series) !== undefined, `${one.name} asks for ${queryOf(one)}`],
              [label === one.name, `${one.name} is not the label ${label}`],
            );
          }),
      spoil: (dashboard) => {
        variable(dashboard, 'job').query = 'label_values(watchdog_bild_info, job)';
      },
    },
    {
      // A name misspelt in a query or a title stays as it is written, and matches nothing. A variable that
      // nothing uses is a choice without effect.
      name: 'defines the variables that it uses and uses those that it defines',
      check: ({ templating, ...rest }) => {
        const defined = templating.list.map((one) => one.name);
        const used = new Set([...namesUsed(JSON.stringify(rest)), ...namesUsed(JSON.stringify(templating))]);
        return [
          ...[...used].filter((name) => !defined.includes(name)).map((name) => `$${name} is not defined`),
          ...defined.filter((name) => !used.has(name)).map((name) => `$${name} is not used`),
        ];
      },
      spoil: (dashboard) => {
        dashboard.description = 'About $jop';
      },
    },
    {
      // A chart bends where something happened. The value is the moment; that of the scrape is up to 15 s
      // off.
      name: 'marks stalls and process starts at their very moment',
      check: ({ annotations }) => {
        const asked = annotations.list.flatMap(({ expr }) => selectorsOf(expr)).map(({ series }) => series);
        return [
          ...['watchdog_last_stall_timestamp_seconds', 'watchdog_start_time_seconds']
            .filter((series) => !asked.includes(series))
            .map((series) => `${series} is not marked`),
          ...annotations.list.flatMap(({ name, expr, useValueForTime }) =>
            broken(
              [useValueForTime === true, `${name} is marked at the time of the scrape`],
              [expr.endsWith('} * 1000'), `${name} is not in milliseconds`],
            ),
          ),
        ];
      },
      spoil: (dashboard) => {
        dashboard.annotations.list.pop();
      },
    },
    {
      // A link to nowhere, or one that sets a variable that is not there, shows all processes instead of the
      // one that was clicked, and does not say so.
      name: 'links to dashboards and variables that exist',
      check: (dashboard) =>
        linksOf(dashboard).flatMap(({ title, url }) => {
          const variables = variablesByUid.get(/^\/d\/([\w-]+)/.exec(url)?.[1] ?? '');
          if (variables === undefined) return [`${title} leads to ${url}`];
          const set = [...url.matchAll(/[?&]var-(\w+)=/g)].map(([, name = '']) => name);
          return set.filter((name) => !variables.includes(name)).map((name) => `${title} sets ${name}`);
        }),
      spoil: (dashboard) => {
        for (const link of dashboard.links) link.url += '?var-host=a';
      },
    },
    {
      // Grafana shows a query that cannot be read as a small triangle. promtool is not everywhere; this much
      // is.
      name: 'closes the brackets that it opens',
      check: (dashboard) =>
        expressionsOf(dashboard)
          .filter(({ expr }) => !balanced(expr))
          .map(({ where }) => where),
      spoil: (dashboard) => {
        for (const annotation of dashboard.annotations.list) annotation.expr += ')';
      },
    },
  ];
}

function balanced(expr: string): boolean {
  const closing = new Map([
    ['(', ')'],
    ['[', ']'],
    ['{', '}'],
  ]);
  const open: (string | undefined)[] = [];
  // What stands in quotes is text.
  for (const char of expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '')) {
    if (closing.has(char)) open.push(closing.get(char));
    else if (')]}'.includes(char) && open.pop() !== char) return false;
  }
  return open.length === 0;
}
