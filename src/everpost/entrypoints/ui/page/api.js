// Calls of the native API. What is refused, or never answered, is thrown as one kind of error that people can read.

import { session } from "./session.js";

const NO_CONTENT = 204;

/** @typedef {{status: number, headers: Headers, body: any}} Answer */

/** A refusal of the API (RFC 9457), or that nobody answers. */
export class Refused extends Error {
  /** @param {{code: string, title: string, status?: number, detail?: string, errors?: {field: string, message: string}[],
   *   request_id?: string}} problem
   *  @param {string|null} [retryAfter] seconds */
  constructor(problem, retryAfter = null) {
    super(problem.title);
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

export class Api {
  /** @param {string} address without a slash at its end; empty: the page's own origin */
  constructor(address) {
    this.address = address;
    this.shown = address || location.origin;
  }

  /** @param {Object<string, any>} [query] what is empty is left out
   *  @returns {Promise<Answer>} */
  get(path, query = {}, signal = undefined) {
    const given = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
    const search = new URLSearchParams(given).toString();
    return this.#call("GET", search ? `${path}?${search}` : path, { signal });
  }

  /** @returns {Promise<Answer>} */
  post(path, body = undefined, headers = {}, signal = undefined) {
    return this.#call("POST", path, { body, headers, signal });
  }

  /** @returns {Promise<Answer>} */
  put(path, body, headers = {}) {
    return this.#call("PUT", path, { body, headers });
  }

  /** A stream of server-sent events, piece by piece as text.
   *  @returns {Promise<ReadableStream<string>>} */
  async stream(path, signal) {
    const answer = await this.#answer("GET", path, { signal, headers: { Accept: "text/event-stream" } });
    if (!answer.ok) await this.#read(answer);
    return answer.body.pipeThrough(new TextDecoderStream());
  }

  /** @returns {Promise<Answer>} */
  patch(path, body) {
    return this.#call("PATCH", path, { body });
  }

  /** @returns {Promise<Answer>} */
  delete(path) {
    return this.#call("DELETE", path, {});
  }

  /** A piece of a file in the form that is named, and where the next one begins; null: it was the last.
   *  @param {{method?: string, path: string, form: string, body?: any, signal?: AbortSignal}} asked
   *  @returns {Promise<{text: string, next: string|null}>} */
  async piece({ method = "GET", path, form, body = undefined, signal = undefined }) {
    const answer = await this.#answer(method, path, { body, headers: { Accept: form }, signal });
    if (!answer.ok) await this.#read(answer);
    return { text: await answer.text(), next: answer.headers.get("next-cursor") };
  }

  /** What stands there, as it is.
   *  @returns {Promise<Blob>} */
  async file(path) {
    const answer = await this.#answer("GET", path, {});
    if (!answer.ok) await this.#read(answer);
    return answer.blob();
  }

  async #call(method, path, options) {
    const answer = await this.#answer(method, path, options);
    return { status: answer.status, headers: answer.headers, body: await this.#read(answer) };
  }

  async #answer(method, path, { body = undefined, headers = {}, signal = undefined }) {
    const sent = { ...headers };
    const authorization = await session.authorization();
    if (authorization) sent.Authorization = authorization;
    if (body !== undefined) sent["Content-Type"] = "application/json";
    try {
      const options = { method, headers: sent, signal, body: body === undefined ? undefined : JSON.stringify(body) };
      return await fetch(this.address + path, { ...options, cache: "no-store", credentials: "omit", redirect: "error" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused({ code: "unreachable", title: "The API does not answer", detail: `${this.shown} was called` });
    }
  }

  async #read(answer) {
    if (answer.status === NO_CONTENT) return null;
    let body = null;
    try {
      body = await answer.json();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      if (answer.ok) throw new Refused({ code: "no_json", title: "This is not an Everpost API", status: answer.status });
    }
    if (answer.ok) return body;
    const problem = body && body.code && body.title ? body : strange(answer.status);
    throw new Refused(problem, answer.headers.get("retry-after"));
  }
}

function strange(status) {
  return { code: `http_${status}`, title: "Something between here and the API has answered", status };
}
