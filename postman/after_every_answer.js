// What holds for every answer of an operation, with which the request's name begins: the document tells of it.
const operation = pm.info.requestName.split(":")[0];
const document = pm.collectionVariables.get(`told.${operation}`);

if (document) {
  const told = JSON.parse(document);
  const documented = told.answers[pm.response.code];
  const type = (pm.response.headers.get("Content-Type") || "").split(";")[0];

  pm.test("the status is documented", () => pm.expect(documented, `${pm.response.code}`).to.be.an("object"));
  if (documented) {
    const types = Object.keys(documented.content);
    const any = types.includes("*/*");
    pm.test("the content type is documented", () => pm.expect(types.length ? types : [""]).to.include(any ? "*/*" : type));
    for (const header of documented.headers) {
      pm.test(`${header} is there`, () => pm.response.to.have.header(header));
    }
    if (/json$/.test(type) && documented.content[type]) {
      const ajv = new (require("ajv"))({ allErrors: true });
      const schema = { allOf: [documented.content[type]], components: { schemas: told.schemas } };
      const valid = ajv.validate(schema, pm.response.json());
      pm.test("the body is as documented", () => pm.expect(valid, ajv.errorsText().slice(0, 200)).to.be.true);
    }
    if (pm.response.code >= 400 && /json$/.test(type) && pm.response.json().code) {
      pm.test("the code is documented", () => pm.expect(documented.codes).to.include(pm.response.json().code));
    }
  }

  const isPage = ["front", "pageFile"].includes(operation) && [200, 304].includes(pm.response.code);
  pm.test(`it may not be ${isPage ? "used without asking" : "kept"}, guessed at or told on`, () => {
    pm.response.to.have.header("Cache-Control", isPage ? "no-cache" : "no-store");
    pm.response.to.have.header("X-Content-Type-Options", "nosniff");
    pm.response.to.have.header("Referrer-Policy", "no-referrer");
    pm.expect(pm.response.headers.get("X-Request-Id")).to.match(/^[!-~]{1,128}$/);
  });
}
