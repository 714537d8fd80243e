# SPDX-License-Identifier: MIT
"""A day in a bank: customers that lose patience, tellers that take breaks, a vault that must be refilled, a closing time."""
import random
import statistics

import simpy

OPEN_MINUTES = 480
TELLERS = 3


class Bank:
    def __init__(self, env, seed):
        self.env = env
        self.random = random.Random(seed)
        self.counter = simpy.PriorityResource(env, capacity=TELLERS)
        self.vault = simpy.Container(env, capacity=20_000, init=8_000)
        self.letters = simpy.FilterStore(env, capacity=50)
        self.waits, self.lost, self.served = [], 0, 0

    def say(self, text):
        print(f"{self.env.now:8.3f} {text}")

    def customer(self, number):
        arrived = self.env.now
        important = number % 10 == 0
        with self.counter.request(priority=0 if important else 1) as turn:
            patience = self.random.uniform(3, 25)
            got = yield turn | self.env.timeout(patience)
            if turn not in got:
                self.lost += 1
                self.say(f"customer {number} left after {patience:.3f}")
                return
            self.waits.append(self.env.now - arrived)
            yield from self.serve(number)
        self.served += 1
        yield self.letters.put((number, "receipt"))

    def serve(self, number):
        yield self.env.timeout(self.random.expovariate(1 / 6))
        amount = self.random.randrange(50, 900, 50)
        if number % 3:
            yield self.vault.get(amount)
            self.say(f"customer {number} took {amount}, {self.vault.level} left")
        else:
            yield self.vault.put(amount)
            self.say(f"customer {number} brought {amount}")

    def arrivals(self):
        number = 0
        try:
            while True:
                yield self.env.timeout(self.random.expovariate(1 / 1.8))
                number += 1
                self.env.process(self.customer(number))
        except simpy.Interrupt as closing:
            self.say(f"closed: {closing.cause}; {number} came")

    def breaks(self, teller):
        while True:
            yield self.env.timeout(90 + 20 * teller)
            with self.counter.request(priority=-1) as chair:
                yield chair
                self.say(f"teller {teller} has a break")
                yield self.env.timeout(10)

    def refill(self):
        while True:
            yield self.env.timeout(15)
            if self.vault.level < 3_000:
                yield self.env.timeout(4)
                yield self.vault.put(5_000)
                self.say(f"vault filled to {self.vault.level}")

    def close(self, arrivals):
        yield self.env.timeout(OPEN_MINUTES)
        arrivals.interrupt("time is up")

    def post(self):
        while True:
            letter = yield self.letters.get(lambda item: item[0] % 7 == 0)
            self.say(f"posted {letter}")


def failing(env):
    yield env.timeout(1)
    raise ValueError("a till is jammed")


def watcher(env, event):
    try:
        yield event
    except ValueError as error:
        print("watched:", error)
    return (yield env.all_of([env.timeout(n, value=n * n) for n in range(4)]))


for seed in range(3):
    env = simpy.Environment()
    bank = Bank(env, seed)
    arrivals = env.process(bank.arrivals())
    for teller in range(TELLERS):
        env.process(bank.breaks(teller))
    for process in (bank.refill(), bank.close(arrivals), bank.post()):
        env.process(process)
    env.run(until=OPEN_MINUTES + 60)
    print(f"seed {seed}: served {bank.served}, lost {bank.lost}, wait {statistics.mean(bank.waits):.6f} +- {statistics.stdev(bank.waits):.6f},"
          f" letters {len(bank.letters.items)}, vault {bank.vault.level}")

env = simpy.Environment()
result = env.run(env.process(watcher(env, env.process(failing(env)))))
print(sorted(result.todict().values()), env.now)
try:
    env.process(failing(env))
    env.run()
except ValueError as error:
    print("not watched:", error)
