"""Covariance matrices and their standard deviations and correlations.

With D = diag(sd) and R the correlation matrix, V = D R D. lme4 writes both into one matrix, the
"sdcor" form: standard deviations on the diagonal, correlations off it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pylme.errors import OptionError
from pylme.options import number_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["correlation", "cov2sdcor", "sdcor", "sdcor2cov"]


def _square(matrix: ArrayLike, option: str) -> NDArray[np.float64]:
    array = number_array(matrix)
    if array is None:
        raise OptionError(option=option, value=matrix, allowed="a square matrix")
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise OptionError(
            option=option, value=array.shape, allowed="a square matrix, of shape (k, k)"
        )
    return array


def correlation(covariance: ArrayLike) -> NDArray[np.float64]:
    """Correlations of a covariance matrix; NaN, off the diagonal, where either variance is zero.

    Parameters
    ----------
    covariance : array_like, shape (k, k)

    Returns
    -------
    ndarray, shape (k, k)
        R_ij = V_ij / sqrt(V_ii V_jj), with ones on the diagonal.
    """
    cov = _square(covariance, "covariance")
    sd = np.sqrt(np.diag(cov))
    with np.errstate(invalid="ignore", divide="ignore"):
        result: NDArray[np.float64] = cov / np.outer(sd, sd)
    np.fill_diagonal(result, 1.0)
    return result


def sdcor(sd: NDArray[np.float64], corr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlations with the standard deviations on the diagonal, shape (k, k)."""
    made = corr.copy()
    np.fill_diagonal(made, sd)
    return made


def sdcor2cov(m: ArrayLike) -> NDArray[np.float64]:
    """The covariance matrix of a matrix of standard deviations and correlations.

    Parameters
    ----------
    m : array_like, shape (k, k)
        Standard deviations on the diagonal, correlations off it.

    Returns
    -------
    ndarray, shape (k, k)
        V_ij = sd_i sd_j r_ij.

    Raises
    ------
    OptionError
        If `m` is not a square matrix.

    Examples
    --------
    >>> import pylme
    >>> pylme.sdcor2cov([[2.0, 0.5], [0.5, 3.0]]).tolist()
    [[4.0, 3.0], [3.0, 9.0]]
    """
    matrix = _square(m, "m")
    sd = np.diag(matrix).copy()
    result = matrix * np.outer(sd, sd)
    np.fill_diagonal(result, sd**2)
    return result


def cov2sdcor(v: ArrayLike) -> NDArray[np.float64]:
    """The matrix of standard deviations and correlations of a covariance matrix.

    Parameters
    ----------
    v : array_like, shape (k, k)
        A covariance matrix.

    Returns
    -------
    ndarray, shape (k, k)
        Standard deviations on the diagonal, correlations off it; NaN where a variance is zero.

    Raises
    ------
    OptionError
        If `v` is not a square matrix.

    Examples
    --------
    >>> import pylme
    >>> pylme.cov2sdcor([[4.0, 3.0], [3.0, 9.0]]).tolist()
    [[2.0, 0.5], [0.5, 3.0]]
    """
    cov = _square(v, "v")
    return sdcor(np.sqrt(np.diag(cov)), correlation(cov))
