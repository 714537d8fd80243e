# super in all its forms.


def attempt(f, *args, **kwargs):
    try:
        print(f(*args, **kwargs))
    except Exception as e:
        print(type(e).__name__ + ":", e)


class A:
    value = "A.value"
    def f(self): return "A"
    @classmethod
    def c(cls): return "A.c", cls.__name__
    @staticmethod
    def s(): return "A.s"
    @property
    def p(self): return "A.p"


class B(A):
    def f(self): return "B" + super().f()
    @classmethod
    def c(cls): return ("B.c",) + super().c()
    def static(self): return super().s(), super().p, super().value


class C(A):
    def f(self): return "C" + super().f()


class D(B, C):
    def f(self): return "D" + super().f()
    def nested(self):
        def g(): return super(D, self).f()
        return g(), [super(D, self).f() for _ in range(1)]
    def cell(self):
        def g(): return self
        return super().f(), g() is self


d = D()
print(d.f(), D.c(), d.static(), d.nested(), d.cell())
print(super(D, d), super(B, d).f(), super(D, D).f(d), super(D))
s = super(B, d)
print(s.__thisclass__, s.__self__ is d, s.__self_class__)
attempt(lambda: s.nothing)
attempt(super)
attempt(super, 1)
attempt(super, A, 1)
attempt(super, A, x=1)
attempt(super, A, A(), 1)
print(super(A).__get__(A()).__self__ is not None)


class NoArgs:
    def f(): return super()
    def g(self):
        del self
        return super()
    def h(*args): return super().__repr__()


attempt(NoArgs.f)
attempt(NoArgs().g)
attempt(NoArgs().h)


class Uses__class__:
    def f(self): return __class__


print(Uses__class__().f())


class Sup(super):
    pass


print(Sup(B, d).f())
