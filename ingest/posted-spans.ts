import type { FastifyInstance, FastifyRequest } from 'fastify';
import { refuseOtherMethods } from './methods.ts';
import { answerText, plainTextStatus, refuseInText } from './plain-text.ts';
import { type Declared, type Intake, leaveBodiesUnread } from './receiver.ts';

/** Takes spans that are posted to a path, for senders that are told 202 or what was wrong. */
export function takePostedSpans(
  app: FastifyInstance,
  intake: Intake,
  {
    receiver,
    path,
    declaredBy,
  }: {
    readonly receiver: string;
    readonly path: string;
    /** @throws IngestError */
    readonly declaredBy: (request: FastifyRequest) => Declared;
  },
): void {
  leaveBodiesUnread(app);
  refuseOtherMethods(app, [path]);
  app.post(path, async (request, reply) => {
    try {
      const { refused } = await intake.http(receiver, request, declaredBy(request));
      if (refused.length === 0) return await reply.code(202).send();
      // The others are stored; a 4xx keeps the sender from sending all of them again.
      return await answerText(reply, 400, refused.map(({ message }) => message).join('; '));
    } catch (thrown) {
      return await refuseInText(reply, thrown, plainTextStatus, intake);
    }
  });
}
