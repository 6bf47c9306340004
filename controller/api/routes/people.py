"""People, services, logins: the paths under /v1/login, /v1/me, /v1/users and /v1/tokens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI, Request
from pydantic import Field
from starlette.exceptions import HTTPException

from clos.controller.api import models as m
from clos.controller.api.routes.described import ERRORS, AccountName, Sender
from clos.controller.daemon import Daemon
from clos.controller.people.people import MOST_DAYS, NoSuchAccount, WrongPassword
from clos.controller.people.roles import PERSON, SERVICE, Person
from clos.controller.people.secrets import LONGEST
from clos.controller.store.accounts import Account


class Login(m.Question):
    name: str = Field(max_length=63)
    password: str = Field(max_length=LONGEST)


class NewUser(m.Question):
    name: str = Field(max_length=63, description="Small letters, digits, `.`, `_`, `-`.")
    roles: list[str] = Field(max_length=10, description="viewer, planner, approver, operator, admin.")
    password: str = Field(max_length=LONGEST, description="12 characters or more.")


class Roles(m.Question):
    roles: list[str] = Field(max_length=10)


class Password(m.Question):
    password: str = Field(max_length=LONGEST)


class OwnPassword(m.Question):
    current: str = Field(max_length=LONGEST, description="The password so far.")
    password: str = Field(max_length=LONGEST)


class NewToken(m.Question):
    name: str = Field(max_length=63, description="Of the service.")
    roles: list[str] = Field(max_length=10)
    days: int = Field(default=90, ge=1, le=MOST_DAYS, description="How long it counts.")


class LoginReply(m.Reply):
    token: str = Field(description="For `Authorization: Bearer`.")
    expires: str = Field(description="UTC.")
    name: str
    roles: list[str]


class MeReply(m.Reply):
    name: str
    kind: str = Field(description="person, service, or owner: whoever can read the state directory.")
    roles: list[str]
    permissions: list[str] = Field(description="read, plan, approve, apply, people.")


class AccountRow(m.Part):
    name: str
    roles: list[str]
    made: str
    made_by: str
    expires: str | None = Field(description="Of a service's token.")


class UsersReply(m.Reply):
    users: list[AccountRow]


class TokensReply(m.Reply):
    tokens: list[AccountRow]


class TokenReply(m.Reply):
    token: str = Field(description="Shown this once; the controller keeps its SHA-256 only.")
    expires: str


class DoneReply(m.Reply):
    done: bool = True


def install(app: FastAPI, daemon: Daemon) -> None:
    """Add the paths."""
    _logins(app, daemon)
    _users(app, daemon)
    _tokens(app, daemon)


def _logins(app: FastAPI, daemon: Daemon) -> None:
    @app.post("/v1/login", responses=ERRORS, tags=["people"])
    def login(request: Login) -> LoginReply:
        """A token for some hours, for a name and a password. Needs no token."""
        with _told():
            person, issued = daemon.people.log_in(request.name, request.password)
        return LoginReply(token=issued.token, expires=issued.expires, name=person.name, roles=[*person.roles])

    @app.post("/v1/logout", responses=ERRORS, tags=["people"])
    def logout(request: Request) -> DoneReply:
        """The token that is shown counts no more; not the owner's, which is the file's, nor a service's."""
        if request.state.person.kind == PERSON:
            daemon.people.log_out(request.headers["authorization"].partition(" ")[2])
        return DoneReply()

    @app.get("/v1/me", responses=ERRORS, tags=["people"])
    def me(person: Sender) -> MeReply:
        """Who the token says you are, and what you may do."""
        return MeReply(
            name=person.name, kind=person.kind, roles=[*person.roles], permissions=sorted(person.permissions)
        )

    @app.post("/v1/me/password", responses=ERRORS, tags=["people"])
    def own_password(request: OwnPassword, person: Sender) -> DoneReply:
        """Another password for yourself; you have to log in again."""
        with _told():
            if not daemon.people.has_password(person.name, request.current):
                raise WrongPassword("the password so far is wrong")
            daemon.people.set_password(person.name, request.password, person.name)
        return DoneReply()


def _users(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/v1/users", responses=ERRORS, tags=["people"])
    def users() -> UsersReply:
        """Everybody who may log in."""
        return UsersReply(users=list(map(_row, daemon.people.all(PERSON))))

    @app.post("/v1/users", responses=ERRORS, tags=["people"])
    def add_user(request: NewUser, person: Sender) -> MeReply:
        """A new person."""
        with _told():
            made = daemon.people.add(request.name, request.roles, request.password, _by(person))
        return MeReply(name=made.name, kind=made.kind, roles=[*made.roles], permissions=sorted(made.permissions))

    @app.post("/v1/users/{name}/roles", responses=ERRORS, tags=["people"])
    def set_roles(name: AccountName, request: Roles, person: Sender) -> DoneReply:
        """Other roles for a person; they count from the next request on."""
        with _told():
            daemon.people.set_roles(name, request.roles, _by(person))
        return DoneReply()

    @app.post("/v1/users/{name}/password", responses=ERRORS, tags=["people"])
    def set_password(name: AccountName, request: Password, person: Sender) -> DoneReply:
        """Another password for a person, who has to log in again."""
        with _told():
            daemon.people.set_password(name, request.password, _by(person))
        return DoneReply()

    @app.delete("/v1/users/{name}", responses=ERRORS, tags=["people"])
    def remove_user(name: AccountName, person: Sender) -> DoneReply:
        """A person may not log in any more, and is logged out. What they did stays in the history."""
        with _told():
            daemon.people.remove(name, PERSON, _by(person))
        return DoneReply()


def _tokens(app: FastAPI, daemon: Daemon) -> None:
    @app.get("/v1/tokens", responses=ERRORS, tags=["people"])
    def tokens() -> TokensReply:
        """The services that have a token, and until when. The tokens themselves are not kept."""
        return TokensReply(tokens=list(map(_row, daemon.people.all(SERVICE))))

    @app.post("/v1/tokens", responses=ERRORS, tags=["people"])
    def add_token(request: NewToken, person: Sender) -> TokenReply:
        """A token for a service, for some days."""
        with _told():
            issued = daemon.people.add_service(request.name, request.roles, request.days, _by(person))
        return TokenReply(token=issued.token, expires=issued.expires)

    @app.delete("/v1/tokens/{name}", responses=ERRORS, tags=["people"])
    def remove_token(name: AccountName, person: Sender) -> DoneReply:
        """A service's token counts no more."""
        with _told():
            daemon.people.remove(name, SERVICE, _by(person))
        return DoneReply()


def _row(account: Account) -> AccountRow:
    about = account._asdict()
    return AccountRow(**{**about, "roles": [*account.roles]})


def _by(person: Person) -> str:
    return person.signs_as("") or person.name


@contextmanager
def _told() -> Iterator[None]:
    """What people did wrong as the status it deserves."""
    try:
        yield
    except NoSuchAccount as error:
        raise HTTPException(404, str(error)) from None
    except WrongPassword as error:
        raise HTTPException(403, str(error)) from None
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
