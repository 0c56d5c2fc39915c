import type { ServerResponse } from 'node:http';

import { ApiError, errorBody } from './errors.js';
import type { Answered, Asked } from './asked.js';

const partLimit = 100;

/** Answers several calls that came as the parts of one request (Google's "Batching requests"). */
export async function answerBatch(batch: Asked, response: ServerResponse, dispatch: (part: Asked) => Promise<Answered>): Promise<void> {
  const [, boundary] = /boundary="?([^";]+)"?/.exec(batch.headers['content-type'] ?? '') ?? [];
  const parts = boundary === undefined ? [] : batch.body.split(`--${boundary}`).slice(1, -1);
  if (parts.length === 0 || parts.length > partLimit) {
    const error = new ApiError(400, 'badRequest', `A batch has from 1 to ${partLimit} parts.`);
    return void response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(errorBody(error)));
  }
  const answers: string[] = [];
  for (const part of parts) {
    const { asked, id } = readPart(part, batch);
    const answered = (await dispatch(asked)) ?? { status: 503, content: errorBody(new ApiError(503, 'backendError', 'Backend Error')) };
    const text = JSON.stringify(answered.content);
    const head = `Content-Type: application/http\r\nContent-ID: <response-${id}>\r\n\r\n`;
    answers.push(
      `${head}HTTP/1.1 ${answered.status} ${answered.status < 300 ? 'OK' : 'Error'}\r\nContent-Type: application/json\r\n\r\n${text}\r\n`,
    );
  }
  const body = `${answers.map((one) => `--batch_emulated\r\n${one}`).join('')}--batch_emulated--\r\n`;
  response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=batch_emulated' }).end(body);
}

function readPart(text: string, batch: Asked): { readonly asked: Asked; readonly id: string } {
  const [envelope = '', head = '', ...body] = text.replaceAll('\r\n', '\n').replace(/^\n/, '').split('\n\n');
  const [line = '', ...lines] = head.split('\n');
  const [method = '', url = '/'] = line.split(' ');
  const headers = Object.fromEntries(
    lines.map((one) => [one.slice(0, one.indexOf(':')).toLowerCase(), one.slice(one.indexOf(':') + 1).trim()]),
  );
  const id = /content-id:\s*<?([^>\n]*)/i.exec(envelope)?.[1] ?? '';
  // Whoever sends the batch need not say again who it is.
  return { asked: { method, url, headers: { ...batch.headers, ...headers }, body: body.join('\n\n').trim() }, id };
}
