import type { FastifyInstance } from 'fastify';

/** What we say we are: senders choose the form of their requests by it. */
const version = '8.19.0';

const clusterName = 'varve';

const info = {
  name: clusterName,
  cluster_name: clusterName,
  cluster_uuid: clusterName,
  version: {
    number: version,
    build_flavor: 'default',
    lucene_version: '9.12.2',
    minimum_wire_compatibility_version: '7.17.0',
    minimum_index_compatibility_version: '7.0.0',
  },
  tagline: 'You Know, for Search',
};

/** What senders read before they send. */
const readOnly: Readonly<Record<string, unknown>> = {
  '/': info,
  '/_license': { license: { status: 'active', uid: clusterName, type: 'basic', mode: 'basic' } },
  '/_xpack': { features: { ilm: { available: true, enabled: true } } },
  '/_cluster/health': { cluster_name: clusterName, status: 'green', timed_out: false, number_of_nodes: 1 },
  '/_nodes/http': { cluster_name: clusterName, nodes: {} },
  '/_nodes/_all/http': { cluster_name: clusterName, nodes: {} },
  '/_cat/*': [],
};

/** What senders look for and, where it is not there, set up: it is always there, and there is nothing to keep. */
const setUp: Readonly<Record<string, unknown>> = {
  '/_index_template/*': { index_templates: [] },
  '/_component_template/*': { component_templates: [] },
  '/_data_stream/*': { data_streams: [] },
  '/_template/*': {},
  '/_ilm/policy/*': {},
  '/_ingest/pipeline/*': {},
  '/_alias/*': {},
};

/**
 * Answers for what senders ask or set up before they send. Templates, policies and pipelines are
 * acknowledged and not kept. Nobody is asked for credentials: the answers tell nothing.
 */
export function answerProbes(app: FastifyInstance): void {
  const answer = (method: string | string[], url: string, body: unknown) => {
    app.route({ method, url, handler: async (_request, reply) => await reply.send(body) });
  };
  const acknowledged = { acknowledged: true };
  for (const [url, body] of Object.entries(readOnly)) answer('GET', url, body);
  for (const [url, body] of Object.entries(setUp)) {
    answer('GET', url, body);
    answer(['PUT', 'POST'], url, acknowledged);
  }
  answer(['HEAD', 'PUT'], '/:index', acknowledged);
  answer('PUT', '/:index/_mapping', acknowledged);
}
