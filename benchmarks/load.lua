-- wrk: sends the lines of a file, "path" or "path<TAB>body", at random or each once (a line sent twice is refused, and so is told).
-- In a body ${n} becomes a number that no other request has; every request of a write has a key of its own.
local lines, token, method = {}, os.getenv("BENCH_TOKEN"), os.getenv("BENCH_METHOD") or "GET"
local once, version, round = os.getenv("BENCH_ONCE") == "1", os.getenv("BENCH_VERSION"), os.getenv("BENCH_ROUND") or "0"
local sent, told = 0, false
for line in io.lines(os.getenv("BENCH_LINES")) do
  local path, body = line:match("^([^\t]*)\t?(.*)$")
  lines[#lines + 1] = { path, body ~= "" and body or nil }
end
math.randomseed(42)

local base = { ["Accept"] = "application/json" }
if token and token ~= "" then base["Authorization"] = "Bearer " .. token end
if version and version ~= "" then base["If-Match"] = '"' .. version .. '"' end
if method ~= "GET" then base["Content-Type"] = "application/json" end

request = function()
  sent = sent + 1
  local line = once and lines[math.min(sent, #lines)] or lines[math.random(#lines)]
  if method == "GET" then return wrk.format("GET", line[1], base) end
  base["Idempotency-Key"] = string.format("bench-%s-%020d", round, sent)
  local body = line[2] and line[2]:gsub("${n}", round .. "-" .. sent) or "{}"
  return wrk.format(method, line[1], base, body)
end

if os.getenv("BENCH_TELL") == "1" then
  response = function(status, headers, body)
    if status > 299 and not told then
      told = true
      io.stderr:write(status .. " " .. body:sub(1, 600) .. "\n")
    end
  end
end

done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
