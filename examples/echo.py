"""The generator of the reference manual, section 6.2.9.1: what it is sent, thrown, and how it is closed."""


def echo(value=None):
    print("Execution starts when 'next()' is called for the first time.")
    try:
        while True:
            try:
                value = (yield value)
            except Exception as e:
                value = e
    finally:
        print("Don't forget to clean up when 'close()' is called.")


generator = echo(1)
print(next(generator))
print(next(generator))
print(generator.send(2))
print(repr(generator.throw(TypeError, "spam")))
generator.close()
