// The mails that are known of a list, newest first, as the API gives them page by page.

const PAGE = 100;
const LOOKS = 20; // mails further down that are read again after news of them

/**
 * @typedef {{id: string, state: string, subject: string, people: {name: string, email: string}[], account: string,
 *   attempts: number, tags: string[], created_at: string, told: string}} Row
 */

/** What a row shows of a mail; the rest is not kept, so that many can be.
 *  @returns {Row} */
function rowOf(mail, namedMax) {
  const row = {
    id: mail.id, state: mail.state, subject: mail.subject, people: mail.recipients.slice(0, namedMax),
    more: Math.max(0, mail.recipients.length - namedMax), account: mail.deliveries.map((one) => one.account).find(Boolean) ?? "",
    attempts: mail.attempts.filter((one) => one.number !== null).length, tags: mail.tags, created_at: mail.created_at,
  };
  return { ...row, told: JSON.stringify(row) };
}

export class Mails {
  /** @param {import("./api.js").Api} api  @param {Object<string, string>} filter  @param {number} namedMax of a row */
  constructor(api, filter, namedMax, signal) {
    this.api = api;
    this.filter = Object.fromEntries(Object.entries(filter).filter(([, value]) => value));
    this.namedMax = namedMax;
    this.signal = signal;
    /** @type {Row[]} */
    this.rows = [];
    this.next = undefined; // cursor of the page behind these rows; null: there is none, undefined: nothing was read
  }

  /** Reads the newest page, and of `ids` what lies further down. Returns how many are new. */
  async refresh(ids) {
    const page = await this.#page(undefined);
    const newest = page.data.map((mail) => rowOf(mail, this.namedMax));
    const listed = new Set(newest.map((row) => row.id));
    const oldest = newest.at(-1)?.id ?? "";
    const meets = this.rows.some((row) => listed.has(row.id));
    if (!this.rows.length || !meets || !page.next_cursor) {
      const before = new Set(this.rows.map((row) => row.id));
      this.rows = this.#kept(newest);
      this.next = page.next_cursor;
      return this.rows.filter((row) => !before.has(row.id)).length;
    }
    const known = new Set(this.rows.map((row) => row.id));
    const below = this.rows.filter((row) => row.id < oldest);
    this.rows = [...this.#kept(newest), ...below];
    await this.#reread(ids.filter((id) => known.has(id) && !listed.has(id)).slice(0, LOOKS));
    return newest.filter((row) => !known.has(row.id)).length;
  }

  /** Reads the page behind the last row. */
  async more() {
    const from = this.next;
    const page = await this.#page(from);
    if (this.next !== from) return; // the rows before it are others by now
    this.rows = [...this.rows, ...page.data.map((mail) => rowOf(mail, this.namedMax))];
    this.next = page.next_cursor;
  }

  async #page(cursor) {
    return (await this.api.post("/v1/emails/search", { filter: this.filter, limit: PAGE, cursor }, {}, this.signal)).body;
  }

  async #reread(ids) {
    for (const id of ids) {
      const mail = (await this.api.get(`/v1/emails/${encodeURIComponent(id)}`, {}, this.signal)).body;
      const row = rowOf(mail, this.namedMax);
      const isOut = this.filter.state && mail.deliveries.every((one) => one.state !== this.filter.state);
      this.rows = isOut ? this.rows.filter((one) => one.id !== id)
        : this.rows.map((one) => (one.id === id && one.told !== row.told ? row : one));
    }
  }

  /** Rows that tell the same stay the same values, so that nothing is painted for them. */
  #kept(rows) {
    const known = new Map(this.rows.map((row) => [row.id, row]));
    return rows.map((row) => (known.get(row.id)?.told === row.told ? known.get(row.id) : row));
  }
}
