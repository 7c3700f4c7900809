"""One run of the study: an expert of a small game is measured, or a student that imitates experts.

    expert    Q-learning on 128 games at once, without replay (PQN): layer norm, lambda-returns
    student   plays the games itself, asks the expert for Q at every frame, and is trained on
              y = softmax(Q / T) by cross-entropy or by the continuous categorical

`run` takes a configuration, as plan.toml lists them, to its figures. The games are the MinAtar
games of gymnax, with sticky actions: with probability .1 the game gets the last action once more.
A score is the mean return of the first episodes of 64 games, of at most 1000 frames.

An expert is trained when it is first needed, and kept in experts/, in half precision, with what it
says about 1024 frames of its own play.
"""

import functools
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

# One thread a run: several runs share a machine, and sums have one order.
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
# To compile takes longer than to train: what is compiled is kept for the next process.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir(), "lossnotes-compiled"))
)

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax, random

from lossnotes.studies import links

HERE = Path(__file__).parent
ACTIONS = {"Breakout": 3, "SpaceInvaders": 4, "Asterix": 5}
CHANNELS = {"Breakout": 4, "SpaceInvaders": 6, "Asterix": 4}
FRAMES = {"Breakout": 800_000, "SpaceInvaders": 800_000, "Asterix": 2_000_000}  # of an expert
SIZES = {  # of an expert's layers; that of Asterix looks at neighbourhoods of 3 x 3 first
    "Breakout": (400, 192, 192, 3),
    "SpaceInvaders": (600, 192, 192, 4),
    "Asterix": (36, 16, 128, 5),
}
STUDENT = (600, 128, 128, 5)
LOSSES = ["CE", "CC", "published"]
STICKY = 0.1
EXPLORING = 0.05
EPISODES = 64
ROUNDS, STAGES, GAMES, LENGTH, BATCH, EPOCHS = 48, 12, 64, 16, 64, 2  # of a student


def run(configuration):
    """The figures of an expert, or those of a student on each of its games."""
    seed = configuration["seed"]
    if configuration["kind"] == "expert":
        return measured_expert(configuration["game"], seed)
    games = list(ACTIONS) if configuration["game"] == "all" else [configuration["game"]]
    teachers = [expert(game, configuration["expert"]) for game in games]
    temperature = [
        configuration["T"] / (ACTIONS[game] + 1 if configuration["rescaled"] else 1)
        for game in games
    ]
    key = random.key(1000 * configuration["expert"] + seed)
    loss = LOSSES.index(configuration["loss"])
    weights, stages = student(
        tuple(games), loss, [each["weights"] for each in teachers],
        jnp.array(temperature), configuration["step"], key,
    )  # fmt: skip
    figures = {}
    for number, game in enumerate(games):
        found = measured_student(
            game, loss, weights, teachers[number], temperature[number],
            random.fold_in(key, 1 + number),
        )  # fmt: skip
        figures |= {f"{name} {game}": value for name, value in found.items()}
        for stage in range(STAGES + 1):
            for name, values in stages.items():
                figures[f"{name} {game} {stage}"] = values[stage][number]
    return {name: float(f"{float(figure):.5g}") for name, figure in figures.items()}


# The games


class Play(NamedTuple):
    """The states of several games of one kind, what they show, and the actions before."""

    state: object
    frame: jax.Array
    action: jax.Array


def begin(game, key, count):
    env, settings = gymnax.make(f"{game}-MinAtar")
    frame, state = jax.vmap(env.reset_env, (0, None))(random.split(key, count), settings)
    return Play(state, frame, jnp.zeros(count, int))


def move(game, key, play, action):
    """The games a frame later, the rewards, and which games have ended and begun anew."""
    env, settings = gymnax.make(f"{game}-MinAtar")
    sticks, moves, resets = random.split(key, 3)
    action = jnp.where(random.bernoulli(sticks, STICKY, action.shape), play.action, action)
    count = len(action)
    frame, state, reward, ended, _ = jax.vmap(env.step_env, (0, 0, 0, None))(
        random.split(moves, count), play.state, action, settings
    )
    ended = ended | (state.time >= settings.max_steps_in_episode)

    def choose(new, old):
        return jnp.where(ended.reshape(-1, *[1] * (old.ndim - 1)), new, old)

    fresh = begin(game, resets, count)
    return jax.tree.map(choose, fresh, Play(state, frame, action)), reward, ended


def first_returns(game, act, key):
    """The return of the first episode of each of so many games."""
    start, seed = random.split(key)

    def frame(carry, key):
        play, total, over = carry
        chooses, moves = random.split(key)
        play, reward, ended = move(game, moves, play, act(play.frame, chooses))
        return (play, total + jnp.where(over, 0, reward), over | ended), None

    carry = begin(game, start, EPISODES), jnp.zeros(EPISODES), jnp.zeros(EPISODES, bool)
    return lax.scan(frame, carry, random.split(seed, 1000))[0][1]


def greedy(values, key, epsilon):
    """The best actions, and with probability epsilon any."""
    which, any_ = random.split(key)
    anything = random.randint(any_, values.shape[:-1], 0, values.shape[-1])
    return jnp.where(
        random.bernoulli(which, epsilon, values.shape[:-1]), anything, values.argmax(-1)
    )


# The networks


def start(key, sizes):
    """Weights as He et al. (2015) draw them, and biases of zero."""
    inputs = [sizes[0], 64 * sizes[1] if sizes[0] == 36 else sizes[1], *sizes[2:-1]]
    return [
        (random.normal(each, (a, b)) * (2 / a) ** 0.5, jnp.zeros(b))
        for each, a, b in zip(random.split(key, len(inputs)), inputs, sizes[1:], strict=True)
    ]


def output(weights, frames, norm):
    """Outputs for frames (n, 10, 10, channels). norm: whether hidden layers are normalised."""
    inputs = len(weights[0][0])
    if inputs == 36:
        moved = [frames[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
        x = jnp.concatenate(moved, axis=-1)
    else:
        x = frames.reshape(len(frames), -1)
        x = jnp.pad(x, [(0, 0), (0, inputs - x.shape[1])])
    for w, b in weights[:-1]:
        if x.shape[-1] != len(w):
            x = x.reshape(len(frames), -1)
        x = x @ w + b
        x = jax.nn.relu(jax.nn.standardize(x) if norm else x)
    w, b = weights[-1]
    return x @ w + b


values = functools.partial(output, norm=True)  # an expert's Q
scores = functools.partial(output, norm=False)  # a student's eta


# Experts


def expert(game, seed):
    """Weights, 1024 frames of the expert's play, and its Q there."""
    path = HERE / "experts" / f"{game}-{seed}.npz"
    if not path.exists():
        weights = jax.tree.map(lambda a: np.asarray(a, dtype=np.float16), learn(game, seed))
        single = jax.tree.map(lambda a: jnp.asarray(a, dtype=jnp.float32), weights)
        frames = seen(game, single, random.key(seed + 100))
        path.parent.mkdir(exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        with open(part, "wb") as file:
            np.savez_compressed(
                file,
                **{f"w{n}": w for n, (w, _) in enumerate(weights)},
                **{f"b{n}": b for n, (_, b) in enumerate(weights)},
                frames=np.packbits(np.asarray(frames, dtype=bool)),
                q=np.asarray(values(single, frames)),
            )
        os.replace(part, path)
    with np.load(path) as kept:
        layers = range(len([name for name in kept if name.startswith("w")]))
        shape = 1024, 10, 10, CHANNELS[game]
        frames = np.unpackbits(kept["frames"])[: np.prod(shape)].reshape(shape)
        weights = [(kept[f"w{n}"], kept[f"b{n}"]) for n in layers]
        return {
            "weights": jax.tree.map(lambda a: jnp.asarray(a, dtype=jnp.float32), weights),
            "frames": jnp.asarray(frames, dtype=jnp.float32),
            "q": jnp.asarray(kept["q"]),
        }


@functools.partial(jax.jit, static_argnums=0)
def learn(game, seed, games=128, length=32, gamma=0.99, decay=0.65, epochs=2, parts=32):
    """The weights of an expert after FRAMES of its game."""
    begins, draws, plays, _ = random.split(random.key(seed), 4)
    rounds = FRAMES[game] // (games * length)
    play = begin(game, begins, games)
    weights = start(draws, SIZES[game])
    falling = optax.linear_schedule(5e-4, 0, rounds * epochs * parts)
    rule = optax.chain(optax.clip_by_global_norm(10), optax.radam(falling))

    def loss(weights, frames, action, target):
        chosen = jnp.take_along_axis(values(weights, frames), action[:, None], 1)[:, 0]
        return jnp.mean((chosen - target) ** 2) / 2

    def one_step(carry, batch):
        weights, moments = carry
        change, moments = rule.update(jax.grad(loss)(weights, *batch), moments, weights)
        return (optax.apply_updates(weights, change), moments), None

    def one_round(carry, number_and_key):
        (number, key), (weights, moments, play) = number_and_key, carry
        epsilon = jnp.maximum(0.05, 1 - 9.5 * number / rounds)
        moves, mixes = random.split(key)

        def frame(play, key):
            chooses, steps = random.split(key)
            q = values(weights, play.frame)
            action = greedy(q, chooses, epsilon)
            later, reward, ended = move(game, steps, play, action)
            return later, (play.frame, action, reward, ended, q.max(1))

        play, (frames, action, reward, ended, best) = lax.scan(
            frame, play, random.split(moves, length)
        )
        last = values(weights, play.frame).max(1)

        def back(later, now):
            reward, ended, following = now
            later = reward + gamma * (1 - ended) * ((1 - decay) * following + decay * later)
            return later, later

        following = jnp.concatenate([best[1:], last[None]])
        target = lax.scan(back, last, (reward, ended, following), reverse=True)[1]
        data = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), (frames, action, target))

        def epoch(carry, key):
            order = random.permutation(key, games * length).reshape(parts, -1)
            return lax.scan(lambda c, o: one_step(c, [a[o] for a in data]), carry, order)

        carry, _ = lax.scan(epoch, (weights, moments), random.split(mixes, epochs))
        return (*carry, play), None

    inputs = jnp.arange(rounds), random.split(plays, rounds)
    (weights, *_), _ = lax.scan(one_round, (weights, rule.init(weights), play), inputs)
    return weights


@functools.partial(jax.jit, static_argnums=0)
def seen(game, weights, key):
    """1024 frames of the expert's greedy play: 64 games, every 32nd frame from the 32nd on."""
    start, seed = random.split(key)

    def frame(play, key):
        return move(game, key, play, values(weights, play.frame).argmax(1))[0], None

    def many(play, key):
        play, _ = lax.scan(frame, play, random.split(key, 32))
        return play, play.frame

    frames = lax.scan(many, begin(game, start, 64), random.split(seed, 16))[1]
    return frames.reshape(1024, *frames.shape[2:])


def measured_expert(game, seed):
    """Its score, that of chance, and how far its best action is above the second."""
    teacher = expert(game, seed)

    def anything(frames, key):
        return random.randint(key, (len(frames),), 0, ACTIONS[game])

    @jax.jit
    def play(weights, key):
        return (
            first_returns(game, lambda frames, _: values(weights, frames).argmax(1), key).mean(),
            first_returns(game, anything, key).mean(),
        )

    score, by_chance = play(teacher["weights"], random.key(seed + 200))
    best = np.sort(teacher["q"], axis=1)
    return {
        "score": score,
        "score of chance": by_chance,
        "median gap": np.median(best[:, -1] - best[:, -2]),
        "median spread": np.median(best[:, -1] - best[:, 0]),
    }


# Students


def prediction(loss, eta):
    """What a loss, given by its number, compares with y: its gradient in eta is this minus y."""
    return lax.switch(loss, [links.softmax, links.exact, lambda eta: links.published(eta)[0]], eta)


def closed_form(eta):
    """Which rows the published rule rejects, and which it keeps with a mean that is off by .01."""
    found, kept = links.published(eta)
    off = abs(found - links.exact(eta)).max(1) > 0.01
    return 1 - kept.mean(), (kept[:, 0] & off).mean()


@functools.partial(jax.jit, static_argnums=0)
def student(games, loss, teachers, temperature, step, key):
    """The weights of a student after ROUNDS, and what was measured on the way, at STAGES + 1 times.

    In every round it plays, each game in GAMES copies for LENGTH frames, and is trained on what it
    has seen. The step of Adam falls to zero. Measured: `closed_form` of its scores, and their
    median spread, max minus min.
    """
    begins, draws, plays, ends = random.split(key, 4)
    weights = start(draws, STUDENT)
    falling = optax.linear_schedule(1, 0, ROUNDS * EPOCHS * GAMES * LENGTH // BATCH)
    rule = optax.chain(optax.scale_by_adam(), optax.scale_by_schedule(falling))
    copies = [
        begin(game, each, GAMES)
        for game, each in zip(games, random.split(begins, len(games)), strict=True)
    ]

    def pull(weights, batch):
        total = 0
        for game, (frames, y) in zip(games, batch, strict=True):
            eta = scores(weights, frames)[:, : ACTIONS[game]]
            slope = prediction(loss, lax.stop_gradient(eta)) - y
            total += (slope * eta).sum(1).mean()
        return total

    def one_step(carry, batch):
        weights, moments = carry
        change, moments = rule.update(jax.grad(pull)(weights, batch), moments)
        return (jax.tree.map(lambda w, c: w - step * c, weights, change), moments), None

    def play_on(weights, copies, key):
        """The copies LENGTH frames later, and frames and targets of each game, in any order."""
        later, data = [], []
        for number, game in enumerate(games):
            moves, mixes = random.split(random.fold_in(key, number))

            def frame(play, key, game=game):
                chooses, steps = random.split(key)
                eta = scores(weights, play.frame)[:, : ACTIONS[game]]
                action = greedy(eta, chooses, EXPLORING)
                return move(game, steps, play, action)[0], play.frame

            play, frames = lax.scan(frame, copies[number], random.split(moves, LENGTH))
            frames = frames.reshape(-1, *frames.shape[2:])
            y = links.softmax(values(teachers[number], frames) / temperature[number])
            later.append(play)
            data.append((frames, y))
        return later, data

    def measure(weights, data):
        found = []
        for game, (frames, _) in zip(games, data, strict=True):
            eta = scores(weights, frames)[:, : ACTIONS[game]]
            found.append((*closed_form(eta), jnp.median(jnp.ptp(eta, axis=1))))
        return dict(zip(["rejected", "wrong", "spread"], jnp.array(found).T, strict=True))

    def one_round(carry, key):
        weights, moments, copies = carry
        copies, data = play_on(weights, copies, key)

        def epoch(carry, key):
            order = random.permutation(key, GAMES * LENGTH).reshape(-1, BATCH)
            return lax.scan(lambda c, o: one_step(c, [(f[o], y[o]) for f, y in data]), carry, order)

        keys = random.split(random.fold_in(key, 99), EPOCHS)
        (weights, moments), _ = lax.scan(epoch, (weights, moments), keys)
        return (weights, moments, copies), None

    def stage(carry, key):
        measured = measure(carry[0], play_on(carry[0], carry[2], key)[1])
        return lax.scan(one_round, carry, random.split(key, ROUNDS // STAGES))[0], measured

    carry = weights, rule.init(weights), copies
    (weights, _, copies), stages = lax.scan(stage, carry, random.split(plays, STAGES))
    last = measure(weights, play_on(weights, copies, ends)[1])
    return weights, {name: [*stages[name], last[name]] for name in last}


@functools.partial(jax.jit, static_argnums=0)
def measured_student(game, loss, weights, teacher, temperature, key):
    """The score of its greedy play; and on the frames of the expert's play:

    agreement: how often both would act alike. regret: what the expert's Q says is lost by the
    student's action. distance: half the sum of |prediction - y|. spread: the median of max eta -
    min eta. And its scores at one frame, of which half of all have a smaller spread of Q.
    """
    q, actions = teacher["q"], ACTIONS[game]

    def act(frames, key):
        return scores(weights, frames)[:, :actions].argmax(1)

    eta = scores(weights, teacher["frames"])[:, :actions]
    chosen = jnp.take_along_axis(q, eta.argmax(1)[:, None], 1)[:, 0]
    y = links.softmax(q / temperature)
    middle = jnp.argsort(jnp.ptp(q, axis=1))[len(q) // 2]
    return {
        "score": first_returns(game, act, key).mean(),
        "agreement": (eta.argmax(1) == q.argmax(1)).mean(),
        "regret": (q.max(1) - chosen).mean(),
        "distance": abs(prediction(loss, eta) - y).sum(1).mean() / 2,
        "spread": jnp.median(jnp.ptp(eta, axis=1)),
        **{f"eta {number}": eta[middle, number] for number in range(actions)},
    }
