// What every request needs: a name for the run, instants, and what a gateway wants.
if (!pm.collectionVariables.get("run")) {
  pm.collectionVariables.set("run", pm.variables.replaceIn("{{$guid}}"));
  pm.collectionVariables.set("begun", Date.now());
}

const instant = (seconds) => new Date(Number(pm.collectionVariables.get("begun")) + 1000 * seconds).toISOString();
pm.variables.set("anHourAgo", instant(-3600));
pm.variables.set("aMinuteAgo", instant(-60));
pm.variables.set("inTenMinutes", instant(600));
pm.variables.set("inAnHour", instant(3600));
pm.variables.set("inTwoYears", instant(2 * 366 * 86400));

if (pm.variables.get("hostHeader")) {
  pm.request.headers.upsert({ key: "Host", value: pm.variables.get("hostHeader") });
}
if (pm.variables.get("gatewayKey")) {
  pm.request.headers.upsert({ key: "x-api-key", value: pm.variables.get("gatewayKey") });
}
