import { digestOf } from '@gatehouse/contracts'
import { clusters } from './clusters.ts'
import type { EdgeOptions } from './edge-options.ts'
import { edgeRoutes } from './edge-route.ts'
import { type EnvoyData, fromFile, typed } from './envoy-data.ts'
import { listener } from './listener.ts'
import { routeConfig, ROUTES_FILE } from './routes.ts'
import { fileSecrets } from './upstream-tls.ts'

/** The files of an edge, by name. Envoy starts with `envoy.json` and watches the others. */
export type EnvoyConfig = Readonly<Record<string, EnvoyData>>

export const BOOTSTRAP_FILE = 'envoy.json'
const LISTENERS_FILE = 'listeners.json'
const CLUSTERS_FILE = 'clusters.json'

/**
 * The whole configuration of an edge before these servers, from nothing but its arguments.
 * @throws EdgeError
 */
export function renderEnvoy(options: EdgeOptions): EnvoyConfig {
  const routes = edgeRoutes(options)
  return {
    [BOOTSTRAP_FILE]: bootstrap(options),
    [LISTENERS_FILE]: resources([typed('envoy.config.listener.v3.Listener', listener(routes, options))]),
    [ROUTES_FILE]: resources([typed('envoy.config.route.v3.RouteConfiguration', routeConfig(routes, options))]),
    [CLUSTERS_FILE]: resources(
      clusters(routes, options).map((cluster) => typed('envoy.config.cluster.v3.Cluster', cluster)),
    ),
    ...Object.fromEntries(Object.entries(fileSecrets(options)).map(([name, secret]) => [name, resources([secret])])),
  }
}

/** Never changes for one folder, so that a change of records needs no new process. It has no admin listener: that would be a second door. */
function bootstrap({ folder, environment }: EdgeOptions): EnvoyData {
  return {
    node: { id: `gatehouse-edge-${environment}`, cluster: 'gatehouse-edge' },
    dynamic_resources: {
      lds_config: fromFile(folder, LISTENERS_FILE),
      cds_config: fromFile(folder, CLUSTERS_FILE),
    },
    overload_manager: {
      resource_monitors: [
        {
          name: 'envoy.resource_monitors.global_downstream_max_connections',
          typed_config: typed(
            'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
            { max_active_downstream_connections: 10_000 },
          ),
        },
      ],
    },
  }
}

/** A version that is that of the content: the same records are no change. */
function resources(list: readonly EnvoyData[]): EnvoyData {
  return { version_info: digestOf(list), resources: list }
}

/** The same with nothing to watch, for `envoy --mode validate`. */
export function inOneFile(config: EnvoyConfig): EnvoyData {
  const { dynamic_resources: _watched, ...bootstrap } = config[BOOTSTRAP_FILE] ?? {}
  return {
    ...bootstrap,
    static_resources: {
      listeners: contentOf(config[LISTENERS_FILE]).map((listener) => withRoutes(listener, config)),
      clusters: contentOf(config[CLUSTERS_FILE]),
    },
  }
}

/** A list of one known type needs no type in each. */
function contentOf(file: EnvoyData | undefined): readonly EnvoyData[] {
  const list = (file?.['resources'] ?? []) as readonly EnvoyData[]
  return list.map(({ '@type': _type, ...content }) => content)
}

/** The routes in the place where the listener names their file. */
function withRoutes(listener: EnvoyData, config: EnvoyConfig): EnvoyData {
  const [routes] = contentOf(config[ROUTES_FILE])
  return JSON.parse(JSON.stringify(listener), (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('rds' in value)) return value
    const { rds: _named, ...rest } = value
    return { ...rest, route_config: routes }
  }) as EnvoyData
}
