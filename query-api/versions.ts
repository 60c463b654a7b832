/**
 * The peers' versions whose APIs are offered. Clients switch features on by them, so they are not
 * Varve's own: Grafana asks Loki for >= 3.5 (nested JSON paths), Tempo for >= 2.7 (streaming of
 * metrics), Prometheus for >= 2.24 (matchers on label names).
 */
export const offeredVersions = { loki: '3.5.0', tempo: '2.9.0', prometheus: '3.5.0' } as const;
