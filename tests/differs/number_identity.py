# SPDX-License-Identifier: MIT
# Integers of 62 bits and all common floats are no objects in memory but live in the word that names them, so that equal ones are
# identical. CPython keeps that for the integers from -5 to 256. A way round: `==`, as always.
import sys

a, b = int("1000"), int("1000")
print(a is b, id(a) == id(b))
c, d = float("1.5"), float("1.5")
print(c is d, int("9" * 30) is int("9" * 30))
print(sys.getsizeof(a) == sys.getsizeof(b))
# cede: True True
# cede: True False
# cede: True
# python3: False False
# python3: False False
# python3: True
