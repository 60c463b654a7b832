import { get, type Route } from './api.ts';

/**
 * The rule lists that Grafana's alerting pages ask both Loki and Prometheus for. Varve evaluates no
 * rules, so that there are none is the whole truth.
 */
export function noRuleRoutes(prefix: string): readonly Route[] {
  return [
    { methods: get, path: `${prefix}/rules`, handle: () => success({ groups: [] }) },
    { methods: get, path: `${prefix}/alerts`, handle: () => success({ alerts: [] }) },
  ];
}

function success(data: unknown): ReturnType<Route['handle']> {
  return {
    status: 200,
    contentType: 'application/json',
    body: Buffer.from(JSON.stringify({ status: 'success', data })),
  };
}
