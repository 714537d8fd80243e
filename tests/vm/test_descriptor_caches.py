"""An object in a class becomes a descriptor after its readers have been cached."""


def read(o):
    return o.x


def call(o):
    return o.x()


def fresh(value):
    class Later:
        def __call__(self):
            return "called"

    class C:
        x = Later()

        def __init__(self):
            if value:
                self.x = value

    return Later, C


def warm(function, o):
    for _ in range(100):
        result = function(o)
    return result


print("data descriptor over an instance attribute")
Later, C = fresh(1)
o = C()
print(warm(read, o))
Later.__get__ = lambda self, instance, owner: 2
print(read(o))
Later.__set__ = lambda *args: None
print(read(o))
del Later.__set__
print(read(o))
del Later.__get__
print(read(o))

print("descriptor without an instance attribute")
Later, C = fresh(None)
o = C()
print(type(warm(read, o)).__name__, warm(call, o))
Later.__get__ = lambda self, instance, owner: lambda: "through __get__"
print(call(o), read(o)())

print("through a base class")
Later, C = fresh(None)
o = C()
print(warm(call, o))


class Descriptor:
    def __get__(self, instance, owner):
        return lambda: "inherited __get__"


class Plain:
    pass


class Other(Plain):
    def __call__(self):
        return "plain"


C.x = Other()
print(warm(call, o))
Other.__bases__ = (Descriptor,)
print(call(o))

print("through __class__")


class A:
    pass


class B:
    def __get__(self, instance, owner):
        return "B"


a = A()


class D:
    x = a


d = D()
print(type(warm(read, d)).__name__)
a.__class__ = B
print(read(d))
a.__class__ = A
print(type(read(d)).__name__)
