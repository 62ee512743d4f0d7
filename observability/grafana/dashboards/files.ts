import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { fleetDashboard } from './fleet.js';
import { mainDashboard } from './main.js';

export interface DashboardFile {
  /** Inside `observability/grafana/`. */
  readonly name: string;
  readonly text: string;
}

/** What `npm run dashboards` writes; the same on every run. */
export function dashboardFiles(): DashboardFile[] {
  return [file('dashboard.json', mainDashboard()), file('fleet.json', fleetDashboard())];
}

function file(name: string, dashboard: Dashboard): DashboardFile {
  return { name, text: `${JSON.stringify(dashboard, null, 2)}\n` };
}
