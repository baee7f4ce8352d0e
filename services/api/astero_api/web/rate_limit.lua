-- Decides every tier of one request at once, on Redis' own clock, and charges all of them or none.
-- KEYS[i] belongs to ARGV[4i-3 .. 4i]: kind, capacity, period in microseconds, cost.
--   "g"  GCRA: `capacity` at once, refilled evenly over `period`
--   "w"  strict sliding window: at most `capacity` in any `period`
-- Answers {index of the refusing tier or 0, microseconds until it would pass, remaining 1, reset 1, remaining 2, …}.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local refused, wait = 0, 0
local answer, writes = {}, {}

for i, key in ipairs(KEYS) do
  local kind, capacity = ARGV[4 * i - 3], tonumber(ARGV[4 * i - 2])
  local period, cost = tonumber(ARGV[4 * i - 1]), tonumber(ARGV[4 * i])
  local remaining, reset, over
  if kind == 'g' then
    local step = period / capacity
    local tat = math.max(tonumber(redis.call('GET', key) or '0'), now)
    local next_tat = tat + step * cost
    over = next_tat - now - period
    if over <= 0 then
      writes[#writes + 1] = {key, next_tat}
      tat = next_tat
    end
    remaining = math.floor((period - (tat - now)) / step + 1e-6)
    reset = tat - now
  else
    -- newest first; the capacity-th newest must have left the window
    local oldest = tonumber(redis.call('LINDEX', key, capacity - 1) or '-1')
    over = oldest >= 0 and oldest + period - now or 0
    local used = 0
    for _, at in ipairs(redis.call('LRANGE', key, 0, capacity - 1)) do
      if tonumber(at) + period > now then used = used + 1 end
    end
    if over <= 0 then
      writes[#writes + 1] = {key, now, capacity, period}
      used = used + 1
    end
    remaining = math.max(capacity - used, 0)
    reset = period
    if over > 0 then reset = over end
  end
  if over > 0 and over > wait then
    refused, wait = i, over
  end
  answer[2 * i + 1] = math.max(remaining, 0)
  answer[2 * i + 2] = math.ceil(reset)
end

answer[1], answer[2] = refused, math.ceil(wait)
if refused == 0 then
  for _, write in ipairs(writes) do
    if #write == 2 then
      redis.call('SET', write[1], string.format('%.0f', write[2]),
        'PX', math.ceil((write[2] - now) / 1000) + 1)
    else
      redis.call('LPUSH', write[1], string.format('%.0f', write[2]))
      redis.call('LTRIM', write[1], 0, write[3] - 1)
      redis.call('PEXPIRE', write[1], math.ceil(write[4] / 1000))
    end
  end
end
return answer
