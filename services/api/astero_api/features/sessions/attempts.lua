-- The failed logins of one account, and of the whole site, on Redis' own clock.
-- KEYS: the account's failures (sorted by time), the site's in this minute, whether it was told in this minute,
-- whether this address has just shown that the account is theirs.
-- ARGV[1], separated by spaces:
--   begin ID CAPACITY PERIOD CAPACITY PERIOD FLOOD   counts the attempt ID as failed, unless one of the two windows
--     (microseconds) is full. Answers the microseconds until it would not be, 0 for an address that need not wait,
--     and 1 for the one caller of a minute who is to tell that FLOOD was reached, else 0.
--   forgive ID   takes it back: it was none.
local words = string.gmatch(ARGV[1], '%S+')
local what, id = words(), words()

if what == 'forgive' then
  redis.call('ZREM', KEYS[1], id)
  -- without the question a minute that is over would come back below zero, and for ever
  if redis.call('EXISTS', KEYS[2]) == 1 then
    redis.call('DECR', KEYS[2])
  end
  return 'done'
end

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local wait, longest = 0, 0
for _ = 1, 2 do
  local capacity, period = tonumber(words()), tonumber(words())
  -- one more passes when the capacity-th newest has left the window
  local last = redis.call('ZREVRANGE', KEYS[1], capacity - 1, capacity - 1, 'WITHSCORES')
  if last[2] then
    wait = math.max(wait, last[2] + period - now)
  end
  longest = math.max(longest, period)
end
if wait <= 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - longest)
  redis.call('ZADD', KEYS[1], string.format('%.0f', now), id)
  redis.call('PEXPIRE', KEYS[1], math.ceil(longest / 1000))
end

local failed = redis.call('INCR', KEYS[2])
if failed == 1 then
  redis.call('EXPIRE', KEYS[2], 60)
end
local tell = 0
if failed >= tonumber(words()) and redis.call('SET', KEYS[3], '1', 'NX', 'EX', 60) then
  tell = 1
end
if redis.call('EXISTS', KEYS[4]) == 1 then
  wait = 0
end
return string.format('%.0f %d', math.max(wait, 0), tell)
