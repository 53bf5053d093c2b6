"""What every service shares about moving facts: consume, decide in one transaction, announce.

A service's author writes pure decisions and set-based storage, and nothing about offsets, retries
or threads. Each module answers one question:

- `settings`, `clock`, `logs`, `telemetry`: what the environment says, the time, what is told;
- `database`, `migrations`, `waiting`: connections and their limits, the schema, patience;
- `codec`, `topic_ids`, `log`: an event on the wire; which topic this is, its first and last offset;
- `offsets`, `dead_letters`, `batch`, `polling`, `consumer`: from a poll to a committed transaction;
- `unit`, `outbox`, `producer`, `relay`: what a transaction says, and how it reaches the log;
- `orders`, `pages`, `problems`, `health`, `routes`: the HTTP edge; `timers`: what falls due;
- `replaying`, `restoring`: start from a backup, or build a whole schema anew from the log;
- `hearing`, `declared`, `running`, `web`, `process`: what a service declares, how it starts and
  stops.

Exceptions:

    Exception
    ├── problems.Refused          the rules say no: an answer, not a failure
    ├── offsets.Fenced            somebody else moved the offsets of this batch
    ├── offsets.LogMismatch       the log is not the one that the stored offsets speak of
    ├── batch.TooManyBreaches     breach after breach: the line stops
    ├── unit.NotLive              a live service announces before it has a relay
    ├── outbox.SequenceTaken      another transaction said an aggregate's next event first
    ├── outbox.TooLarge           an event is larger than the log takes
    └── relay.SendFailed          the log refused a row of the outbox
"""
