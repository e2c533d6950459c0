// What a dashboard may be, from Grafana's own types: the `@grafana/schema` of the release whose panels are rendered,
// and, for queries to Prometheus, the last one that had them.
import type {
  AnnotationQuery,
  Dashboard,
  DataSourceRef,
  FieldConfig,
  FieldConfigSource,
  Panel,
  RowPanel,
} from '@grafana/schema';
import type { PrometheusDataQuery } from 'grafana-schema-with-prometheus/dist/esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Gauge from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as PieChart from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has text where TypeScript has an enum of text.
type Loose<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Loose<T[K]> } : T;

type Prometheus = { type: 'prometheus'; uid: string };

// The least step is a part of queries that the data source declares for itself since 11.0.
type Query = Omit<PrometheusDataQuery, 'datasource' | 'scope'> & { datasource: Prometheus; interval?: string };

// The field configuration of a kind of panel, and nothing of any other kind.
type Fields<Custom> = Omit<FieldConfigSource, 'defaults'> & {
  defaults: Omit<FieldConfig, 'custom'> & { custom: Custom; unit: string };
};

type PanelOf<Type extends string, Options, Custom> = Omit<
  Panel,
  'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource' | 'title' | 'description' | 'gridPos'
> & {
  type: Type;
  options: Options;
  fieldConfig: Fields<Custom>;
  targets: Query[];
  datasource: Prometheus;
  title: string;
  description: string;
  gridPos: { h: number; w: number; x: number; y: number };
};

type Nothing = Record<string, never>;

type AnyPanel =
  | PanelOf<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig>
  | PanelOf<'stat', Stat.Options, Nothing>
  | PanelOf<'gauge', Gauge.Options, Nothing>
  | PanelOf<'bargauge', BarGauge.Options, Nothing>
  | PanelOf<'piechart', PieChart.Options, PieChart.FieldConfig>
  | PanelOf<'table', Table.Options, Table.FieldConfig>;

type Row = Omit<RowPanel, 'panels'> & { panels: AnyPanel[] };

// Beside what every annotation has, one of Prometheus has texts made from labels.
type Annotation = Omit<AnnotationQuery, 'target' | 'datasource'> & {
  datasource: DataSourceRef;
  target?: { expr: string; interval: string; refId: string };
  expr?: string;
  step?: string;
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
};

export type Checked = Loose<
  Omit<Dashboard, 'panels' | 'annotations'> & {
    uid: string;
    title: string;
    panels: Array<AnyPanel | Row>;
    annotations: { list: Annotation[] };
  }
>;
