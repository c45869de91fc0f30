-- For wrk: posts the reviews of a file (one JSON object a line), one after the other, as an API server does.
--   wrk ... -s reviews.lua https://localhost:PORT -- reviews.jsonl ["Header: value"]
local requests, at = {}, 0

function init(arguments)
    local headers = {["Content-Type"] = "application/json", ["Host"] = "localhost"}
    if arguments[2] then
        local name, value = arguments[2]:match("^([^:]+): (.*)$")
        headers[name] = value
    end
    for line in io.lines(arguments[1]) do
        requests[#requests + 1] = wrk.format("POST", "/mutate?timeout=10s", headers, line)
    end
end

function request()
    at = at % #requests + 1
    return requests[at]
end

function done(summary, latency)
    local e = summary.errors
    io.write(string.format("wrk requests=%d connect=%d read=%d write=%d status=%d timeout=%d p50_us=%d p99_us=%d max_us=%d\n", summary.requests, e.connect,
        e.read, e.write, e.status, e.timeout, latency:percentile(50), latency:percentile(99), latency.max))
end
